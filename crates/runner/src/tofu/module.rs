//! What has to be known of a module before it is run: its variables, and whether it brings its own backend.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use hcl::expr::Expression;
use hcl::{Block, Body};
use regex::Regex;
use serde_json::Value;

use crate::folder::{Links, read_of_others};

/// How much of one file is read. What is longer is read without its grammar, as far as it goes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The facts about a module's folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Module {
    variables: BTreeMap<String, VariableType>,
    has_backend: bool,
}

/// As far as it matters for handing over a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VariableType {
    Text,
    Other,
}

/// The two ways to write configuration.
enum Syntax {
    Native,
    Json,
}

impl Syntax {
    fn of(file: &Path) -> Option<Self> {
        let is_configuration =
            |file: &Path| file.extension().is_some_and(|extension| extension == "tf" || extension == "tofu");
        if is_configuration(file) {
            Some(Self::Native)
        } else if file.extension()? == "json" && is_configuration(Path::new(file.file_stem()?)) {
            Some(Self::Json)
        } else {
            None
        }
    }
}

impl Module {
    /// Reads all configuration files of a folder, without its sub-folders.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut module = Self::default();
        let mut files: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let Some(syntax) = Syntax::of(&file) else { continue };
            let Ok(content) = read_of_others(&file, Links::Followed, LARGEST_FILE) else { continue };
            let content = String::from_utf8_lossy(&content);
            match syntax {
                Syntax::Native => module.add_hcl(&content),
                Syntax::Json => module.add_json(&serde_json::from_str(&content).unwrap_or_default()),
            }
        }
        Ok(module)
    }

    /// Whether a variable is declared.
    pub(crate) fn declares(&self, variable: &str) -> bool {
        self.variables.contains_key(variable)
    }

    /// Whether a variable is declared as `string`.
    pub(crate) fn wants_text(&self, variable: &str) -> bool {
        self.variables.get(variable) == Some(&VariableType::Text)
    }

    /// Whether the module says itself where its state is.
    pub(crate) fn has_backend(&self) -> bool {
        self.has_backend
    }

    fn add_hcl(&mut self, content: &str) {
        let Ok(body) = hcl::parse(content) else { return self.add_unreadable(content) };
        for block in body.blocks() {
            match (block.identifier(), block.labels()) {
                ("variable", [name]) => self.add_variable(name.as_str(), hcl_type(block.body())),
                ("terraform", []) => self.has_backend |= block.body().blocks().any(is_backend),
                _ => {}
            }
        }
    }

    fn add_json(&mut self, content: &Value) {
        for (name, declaration) in content.get("variable").and_then(Value::as_object).into_iter().flatten() {
            let declaration = declaration.get(0).unwrap_or(declaration);
            let is_text = declaration.get("type").and_then(Value::as_str) == Some("string");
            self.add_variable(name, if is_text { VariableType::Text } else { VariableType::Other });
        }
        let settings = content.get("terraform");
        let settings = settings.map(|settings| settings.get(0).unwrap_or(settings));
        self.has_backend |= settings.is_some_and(|s| s.get("backend").is_some() || s.get("cloud").is_some());
    }

    /// A file with syntax this runner does not know, or with an error that OpenTofu will tell better.
    fn add_unreadable(&mut self, content: &str) {
        static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?m)^[ \t]*variable[ \t]+"([^"\n]+)"[ \t]*\{(?:[^{}]*?\n[ \t]*type[ \t]*=[ \t]*(string)[ \t]*(?:#.*)?$)?"#)
                .expect("a constant expression")
        });
        static BACKEND: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?m)^[ \t]*(?:backend[ \t]+"[^"\n]+"|cloud)[ \t]*\{"#)
                .expect("a constant expression")
        });
        for found in VARIABLE.captures_iter(content) {
            let kind = if found.get(2).is_some() { VariableType::Text } else { VariableType::Other };
            self.add_variable(&found[1], kind);
        }
        self.has_backend |= BACKEND.is_match(content);
    }

    /// A later declaration overrides, as override files do.
    fn add_variable(&mut self, name: &str, kind: VariableType) {
        self.variables.insert(name.to_owned(), kind);
    }
}

fn is_backend(block: &Block) -> bool {
    matches!(block.identifier(), "backend" | "cloud")
}

fn hcl_type(body: &Body) -> VariableType {
    let attribute = body.attributes().find(|attribute| attribute.key() == "type");
    match attribute.map(hcl::Attribute::expr) {
        Some(Expression::Variable(name)) if name.as_str() == "string" => VariableType::Text,
        // The way types were written long ago.
        Some(Expression::String(name)) if name == "string" => VariableType::Text,
        _ => VariableType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::Module;

    fn module(files: &[(&str, &str)]) -> Module {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        Module::read(folder.path()).unwrap()
    }

    #[test]
    fn variables_and_their_types_are_found() {
        let module = module(&[
            (
                "main.tf",
                "variable \"a\" { type = string }\nvariable \"b\" {\n  type = list(string)\n}\nvariable \"c\" {}\n",
            ),
            ("more.tf.json", r#"{"variable": {"d": {"type": "string"}, "e": [{"type": "any"}]}}"#),
            ("notes.txt", "variable \"x\" {}"),
        ]);
        for name in ["a", "b", "c", "d", "e"] {
            assert!(module.declares(name), "{name}");
        }
        assert!(!module.declares("x"));
        let texts: Vec<_> =
            ["a", "b", "c", "d", "e"].into_iter().filter(|name| module.wants_text(name)).collect();
        assert_eq!(texts, ["a", "d"]);
        assert!(!module.has_backend());
    }

    #[test]
    fn a_backend_is_found_where_it_is_meant() {
        assert!(
            module(&[("a.tf", "terraform {\n  backend \"s3\" {\n    bucket = \"x\"\n  }\n}\n")])
                .has_backend()
        );
        assert!(module(&[("a.tf", "terraform {\n  cloud {}\n}\n")]).has_backend());
        assert!(module(&[("a.tf.json", r#"{"terraform": {"backend": {"local": {}}}}"#)]).has_backend());
        let mentioned = "# backend \"s3\" {\nlocals {\n  text = <<-EOT\n    backend \"s3\" {}\n  EOT\n}\n";
        assert!(!module(&[("a.tf", mentioned)]).has_backend());
    }

    #[test]
    fn files_without_an_end_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tf"), "variable \"a\" {}").unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.tf")).unwrap();
        let long = format!("variable \"b\" {{}}\n{}", "#".repeat(2 << 20));
        std::fs::write(folder.path().join("long.tf"), long).unwrap();
        let module = Module::read(folder.path()).unwrap();
        assert!(module.declares("a") && module.declares("b"));
    }

    #[test]
    fn files_with_unknown_syntax_are_still_searched() {
        let content = "??? new syntax\nterraform {\n  backend \"gcs\" {\n  }\n}\nvariable \"a\" {\n  type = string\n}\nvariable \"b\" {}\n";
        let module = module(&[("a.tf", content)]);
        assert!(module.has_backend());
        assert!(module.wants_text("a") && module.declares("b") && !module.wants_text("b"));
    }
}
