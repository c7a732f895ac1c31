//! Where secrets are looked for, and in which disguises.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::Regex;
use std::path::Path;
use stoa_db::testing::TestDatabase;
use stoa_db::{Db, Engine, Sql};
use stoa_server::assembly::migrations;

/// Secrets by name, in every form they might be found in.
#[derive(Default)]
pub struct Needles(Vec<(String, Vec<String>)>);

impl Needles {
    /// From now on this value is looked for: plain, in JSON, in addresses, as digits, in Base64 wherever it begins.
    pub fn learn(&mut self, name: &str, value: &str) {
        let mut forms = vec![
            value.to_owned(),
            serde_json::Value::from(value).to_string().trim_matches('"').to_owned(),
            utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
            hex(value.as_bytes()),
            hex(value.as_bytes()).to_uppercase(),
        ];
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let shifted = [&vec![0; before][..], value.as_bytes()].concat();
            let known = shifted.len() * 8 / 6;
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                forms.push(text[skipped..known].to_owned());
            }
        }
        forms.sort();
        forms.dedup();
        self.0.push((name.to_owned(), forms));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Places by name, and what is there.
#[derive(Default)]
pub struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    /// Adds a place.
    pub fn add(&mut self, place: &str, content: Vec<u8>) {
        self.0.push((place.to_owned(), content));
    }

    /// Adds all files below a folder, with their names.
    pub fn add_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            self.add(&format!("name of {}", path.display()), path.display().to_string().into_bytes());
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                self.add_folder(&path);
            } else if path.is_file() {
                self.add(&path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }

    /// Adds every column of every table.
    pub fn add_tables(&mut self, database: &TestDatabase) {
        const COLUMNS: Sql = Sql::differs(
            "SELECT m.name, p.name, p.type FROM sqlite_master m JOIN pragma_table_info(m.name) p
             WHERE m.type = 'table' ORDER BY 1, 2",
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
             WHERE table_schema = 'public' ORDER BY 1, 2",
        );
        let db = Db::open(database.settings(), &migrations()).unwrap();
        let tables = db.read_blocking(|tx| {
            let text = |row: &stoa_db::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let columns: Vec<(String, String, String)> = tx.all(&COLUMNS, &[], text)?;
            let mut tables = Vec::new();
            for (table, column, kind) in columns {
                let digits = match (tx.engine(), kind.as_str()) {
                    (Engine::Sqlite, _) => format!("hex(\"{column}\")"),
                    (Engine::Postgres, "bytea") => format!("encode(\"{column}\", 'hex')"),
                    (Engine::Postgres, _) => format!("encode(convert_to(\"{column}\"::text, 'UTF8'), 'hex')"),
                };
                let all = Sql::built(format!("SELECT {digits} FROM \"{table}\""));
                let values: Vec<Option<String>> = tx.all(&all, &[], |row| row.get(0))?;
                tables.push((format!("table {table}"), values));
            }
            Ok::<_, stoa_db::DbError>(tables)
        });
        for (place, values) in tables.unwrap() {
            let content = values.iter().flatten().flat_map(|digits| bytes(digits).chain([b'\n'])).collect();
            self.add(&place, content);
        }
        db.close();
    }

    /// Asserts that there is a place with something in it.
    #[track_caller]
    pub fn has(&self, place: &str) {
        assert!(self.at(place).any(|content| !content.is_empty()), "nothing is at `{place}`");
    }

    /// Asserts that something is found at a place.
    #[track_caller]
    pub fn shows(&self, text: &str, place: &str) {
        let text = Regex::new(&regex::escape(text)).unwrap();
        assert!(self.at(place).any(|content| text.is_match(content)), "`{text}` is not at `{place}`");
    }

    fn at<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(name, _)| name == place).map(|(_, content)| content.as_slice())
    }

    /// Asserts that no secret is found anywhere but in the files that are named with it.
    #[track_caller]
    pub fn hides(&self, needles: &Needles, allowed: &[(&str, &str)]) {
        let mut leaks = Vec::new();
        for (name, forms) in &needles.0 {
            let forms: Vec<String> = forms.iter().map(|form| regex::escape(form)).collect();
            let any = Regex::new(&forms.join("|")).unwrap();
            for (place, content) in &self.0 {
                let is_home = allowed.iter().any(|(secret, file)| secret == name && place.ends_with(file));
                if let Some(found) = any.find(content).filter(|_| !is_home) {
                    let around = found.start().saturating_sub(120)..(found.end() + 60).min(content.len());
                    leaks.push(format!("{name} in {place}: …{}…", String::from_utf8_lossy(&content[around])));
                }
            }
        }
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    }
}

fn bytes(digits: &str) -> impl Iterator<Item = u8> + '_ {
    (0..digits.len() / 2).filter_map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok())
}
