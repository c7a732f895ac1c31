//! What objects are found by: a text of names for each, in small letters, kept by the object store beside the object.

use crate::objects::{COLUMNS, Object};
use crate::outcome::Outcome;
use serde_json::Value;
use stoa_base::ObjectId;
use stoa_db::{Sql, Tx};

/// Longest text, in characters: PostgreSQL's index takes 2704 bytes.
const TEXT_MAX: usize = 500;

/// Where documents say what people call the thing.
const NAMES: [&str; 6] =
    ["/displayName", "/spec/displayName", "/name", "/spec/name", "/title", "/subject/name"];
/// What else they are found by.
const MORE: [&str; 11] = [
    "/email",
    "/euid",
    "/username",
    "/egid",
    "/identifier",
    "/targetRef/name",
    "/roleRef/name",
    "/platformTenantId",
    "/spec/platformTenantId",
    "/localId",
    "/spec/email",
];

fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// What people call an object: a person's name, its display name, or else its key.
pub fn name(object: &Object) -> String {
    let doc = &object.doc;
    let both = ["/firstName", "/lastName"].map(|pointer| text_at(doc, pointer).unwrap_or_default());
    let both = both.join(" ");
    if !both.trim().is_empty() {
        return both.trim().to_owned();
    }
    let named = NAMES.iter().find_map(|pointer| text_at(doc, pointer));
    named.unwrap_or(&object.key).to_owned()
}

fn text(object: &Object, status: &Value) -> String {
    let mut lines = vec![name(object), object.key.clone()];
    if let Some((_, last)) = object.key.rsplit_once('.') {
        lines.push(last.to_owned());
    }
    lines.push(object.id.to_string());
    let known = MORE.iter().flat_map(|pointer| [&object.doc, status].map(|value| text_at(value, pointer)));
    lines.extend(known.flatten().map(str::to_owned));
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        if !lines[..place].contains(line) {
            text.push_str(&line.to_lowercase().replace(['\n', '\0'], " "));
            text.push('\n');
        }
    }
    text.chars().take(TEXT_MAX).collect()
}

const SET: Sql = Sql::new(
    "INSERT INTO label (object, kind, text) VALUES ($1, $2, $3)
     ON CONFLICT (object) DO UPDATE SET text = excluded.text",
);

/// Files an object under its names.
pub(crate) fn set(tx: &mut Tx, object: &Object) -> Outcome<()> {
    let text = text(object, &object.status);
    tx.run(&SET, &[object.id.0.into(), object.kind.as_str().into(), text.into()])?;
    Ok(())
}

/// The same after a change, if that changed any of them.
pub(crate) fn follow(tx: &mut Tx, old: &Object, object: &Object) -> Outcome<()> {
    if text(old, &old.status) == text(object, &object.status) { Ok(()) } else { set(tx, object) }
}

/// The same after something else was observed of it.
pub(crate) fn follow_status(tx: &mut Tx, was: &Value, object: &Object) -> Outcome<()> {
    // What the document says stays, so it need not be read.
    let same = |pointer: &&str| text_at(was, pointer) == text_at(&object.status, pointer);
    if MORE.iter().all(same) { Ok(()) } else { set(tx, object) }
}

/// `text` as a pattern for `LIKE` with `\` before what means itself. What is longer than any label finds nothing.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.to_lowercase().chars().take(TEXT_MAX + 1) {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(if letter == '\n' { ' ' } else { letter });
    }
    pattern
}

/// The pattern of labels that hold `text` anywhere.
pub fn anywhere(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// The patterns of labels with a line that is `text`, and with one that begins with it.
pub(crate) fn near(text: &str) -> [String; 4] {
    let text = escaped(text);
    [format!("{text}\n%"), format!("%\n{text}\n%"), format!("{text}%"), format!("%\n{text}%")]
}

/// How well an object fits `text`: 0 is exactly, 1 at the beginning of a name, 2 somewhere.
pub fn rank(object: &Object, wanted: &str) -> u8 {
    let wanted = wanted.to_lowercase();
    let text = text(object, &object.status);
    let best = text.lines().map(|line| match line {
        line if line == wanted => 0,
        line if line.starts_with(&wanted) => 1,
        _ => 2,
    });
    best.min().unwrap_or(2)
}

const FILLED: Sql = Sql::new("SELECT value FROM setting WHERE name = 'labels'");
const SET_FILLED: Sql = Sql::new("INSERT INTO setting (name, value) VALUES ('labels', 'made')");
/// How many objects are read at a time.
const BATCH: usize = 500;

/// Labels what was stored before there were labels; does nothing the next time.
pub fn fill(tx: &mut Tx) -> Outcome<()> {
    if tx.maybe(&FILLED, &[], |_| Ok(()))?.is_some() {
        return Ok(());
    }
    let sql =
        Sql::built(format!("SELECT {COLUMNS} FROM object o WHERE o.id > $1 ORDER BY o.id LIMIT {BATCH}"));
    let mut after = String::new();
    loop {
        let objects = tx.all(&sql, &[after.into()], Object::read)?;
        for object in &objects {
            set(tx, object)?;
        }
        match objects.last() {
            Some(last) if objects.len() == BATCH => after = last.id.to_string(),
            _ => break,
        }
    }
    tx.run(&SET_FILLED, &[])?;
    Ok(())
}

const PROJECT: Sql =
    Sql::new("SELECT min(value) FROM facet WHERE object = $1 AND name IN ('projectIdentifier', 'project')");

/// The project that an object belongs to, by what it is listed under.
pub fn project_of(tx: &mut Tx, id: ObjectId) -> Outcome<Option<String>> {
    let found: Option<String> = tx.one(&PROJECT, &[id.0.into()], |row| row.get(0))?;
    // Some kinds say its full name.
    Ok(found.map(|name| name.rsplit_once('.').map_or(name.clone(), |(_, bare)| bare.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use stoa_base::Moment;

    fn object(key: &str, doc: Value) -> Object {
        Object {
            id: ObjectId::new(),
            kind: "meshProject".into(),
            key: key.into(),
            workspace: None,
            version: 1,
            created_at: Moment::from_micros(0),
            deleted_at: None,
            doc: doc.into(),
            status: Value::Null.into(),
            gathered: Value::Null,
        }
    }

    #[test]
    fn the_name_comes_first_and_nothing_stands_twice() {
        let project = object("shop.web", json!({ "displayName": "Web\nShop" }));
        assert_eq!(text(&project, &Value::Null), format!("web shop\nshop.web\nweb\n{}\n", project.id));
        let user = object("ada", json!({ "firstName": "Ada", "lastName": "L.", "email": "Ada@x.org" }));
        assert_eq!(name(&user), "Ada L.");
        assert!(text(&user, &Value::Null).ends_with("\nada@x.org\n"));
        assert_eq!(name(&object("ada", json!({}))), "ada");
    }

    #[test]
    fn special_letters_mean_themselves() {
        assert_eq!(anywhere("50%_Ö\\"), "%50\\%\\_ö\\\\%");
    }

    #[test]
    fn exact_before_beginnings_before_the_rest() {
        let project = object("shop.web", json!({ "displayName": "Web Shop" }));
        let ranks = ["WEB", "web shop", "we", "hop"].map(|text| rank(&project, text));
        assert_eq!(ranks, [0, 0, 1, 2]);
    }
}
