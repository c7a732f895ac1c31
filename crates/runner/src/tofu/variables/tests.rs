//! Inputs arrive as the contract says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stoa_client::runs::InputType;

use super::{DECLARATIONS_FILE, RunFacts, VARIABLES_FILE, hand_over};
use crate::environment::Environment;
use crate::inputs::OpenInput;
use crate::tofu::module::Module;

fn input(key: &str, input_type: InputType, value: Value) -> OpenInput {
    OpenInput { key: key.to_owned(), value, input_type, is_sensitive: false, is_environment: false }
}

fn environment_input(key: &str, input_type: InputType, value: Value) -> OpenInput {
    let mut input = input(key, input_type, value);
    input.is_environment = true;
    input
}

struct Handed {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl Handed {
    fn over(inputs: &[OpenInput], files: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let module = Module::read(folder.path()).unwrap();
        let facts = RunFacts { block_uuid: "block-1", run: Some(("run-1", "{}")) };
        let mut environment = Environment::default();
        hand_over(inputs, &facts, &module, folder.path(), &mut environment)?;
        let text = |value: &std::ffi::OsString| value.to_str().unwrap().to_owned();
        let environment = environment.iter().map(|(name, value)| (text(name), text(value))).collect();
        Ok(Self { folder, environment })
    }

    fn file(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let text = self.file(VARIABLES_FILE);
        let found = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        found.map(str::to_owned)
    }
}

#[test]
fn every_type_becomes_what_it_is() {
    let handed = Handed::over(
        &[
            input("text", InputType::String, json!("a ${b}")),
            input("count", InputType::Integer, json!(3)),
            input("flag", InputType::Boolean, json!(true)),
            input("code", InputType::Code, json!("{ a = [1, 2] }")),
            input("script", InputType::Code, json!("echo hi")),
            input("list", InputType::List, json!("[\"x\"]")),
            input("one", InputType::SingleSelect, json!("[1]")),
            input("many", InputType::MultiSelect, json!(["b", "a"])),
            input("not.a.name", InputType::String, json!("x")),
        ],
        &[],
    )
    .unwrap();
    for (name, value) in [
        ("text", r#""a $${b}""#),
        ("count", "3"),
        ("flag", "true"),
        ("code", r#"{ "a" = [1, 2] }"#),
        ("script", r#""echo hi""#),
        ("list", r#"["x"]"#),
        ("one", r#""[1]""#),
        ("many", r#"["b", "a"]"#),
        ("meshstack_building_block_id", r#""block-1""#),
        ("meshstack_building_block_run_id", r#""run-1""#),
        ("meshstack_building_block_run_b64", r#""e30=""#),
    ] {
        assert_eq!(handed.variable(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(handed.variable("not.a.name"), None);
}

#[test]
fn a_text_variable_gets_json_text() {
    let texts = "variable \"a\" { type = string }\nvariable \"b\" { type = string }\nvariable \"c\" { type = string }\nvariable \"d\" { type = string }";
    let handed = Handed::over(
        &[
            input("a", InputType::Code, json!("{\"x\":  1.10}")),
            input("b", InputType::Code, json!("{ x = 1 }")),
            input("c", InputType::MultiSelect, json!(["x"])),
            input("d", InputType::Boolean, json!(false)),
        ],
        &[("main.tf", texts)],
    )
    .unwrap();
    assert_eq!(handed.variable("a").as_deref(), Some(r#""{\"x\":  1.10}""#));
    assert_eq!(handed.variable("b").as_deref(), Some(r#""{\"x\":1}""#));
    assert_eq!(handed.variable("c").as_deref(), Some(r#""[\"x\"]""#));
    assert_eq!(handed.variable("d").as_deref(), Some(r#""false""#));
}

#[test]
fn the_environment_gets_its_inputs_and_variables_their_prefix() {
    let handed = Handed::over(
        &[
            environment_input("TOKEN", InputType::String, json!("t")),
            environment_input("ZONES", InputType::MultiSelect, json!(["a", "b"])),
            environment_input("TF_VAR_size", InputType::Code, json!("[1]")),
            environment_input("TF_VAR_both", InputType::String, json!("from the environment")),
            input("both", InputType::String, json!("plain")),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(handed.environment["TOKEN"], "t");
    assert_eq!(handed.environment["ZONES"], r#"["a","b"]"#);
    assert_eq!(handed.environment.len(), 2);
    assert_eq!(handed.variable("size").as_deref(), Some("[1]"));
    assert_eq!(handed.variable("both").as_deref(), Some(r#""plain""#));
}

#[test]
fn files_are_decoded_and_stay_inside() {
    let file = |key: &str| input(key, InputType::File, json!("data:text/plain;base64,aGVsbG8="));
    let handed = Handed::over(&[file("ca.pem")], &[]).unwrap();
    assert_eq!(handed.file("ca.pem"), "hello");
    assert_eq!(handed.variable("ca.pem"), None);
    for key in ["../x", "/etc/x", "a/b", "..", "."] {
        assert!(Handed::over(&[file(key)], &[]).is_err(), "{key}");
    }
    assert!(Handed::over(&[input("x", InputType::File, json!("plain"))], &[]).is_err());
}

#[test]
fn run_variables_are_declared_once() {
    let handed = Handed::over(&[], &[("main.tf", "variable \"meshstack_building_block_id\" {}")]).unwrap();
    let declared = handed.file(DECLARATIONS_FILE);
    assert!(!declared.contains("\"meshstack_building_block_id\""));
    assert!(declared.contains("\"meshstack_building_block_run_id\""));
    let handed = Handed::over(&[], &[(DECLARATIONS_FILE, "# mine")]).unwrap();
    assert_eq!(handed.file(DECLARATIONS_FILE), "# mine");
}

#[test]
fn what_the_environment_cannot_hold_is_refused() {
    assert!(Handed::over(&[environment_input("A=B", InputType::String, json!("x"))], &[]).is_err());
    assert!(Handed::over(&[environment_input("A", InputType::String, json!("x\0y"))], &[]).is_err());
}
