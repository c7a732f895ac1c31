//! Inputs in, outputs out, secrets nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::origin::Origin;
use super::runner::{Order, Runner};
use super::stand_in::StandIn;

const ALL_TYPES: &str = r#"
variable "text" { type = string }
variable "count_of" { type = number }
variable "flag" { type = bool }
variable "settings" { type = object({ size = number, tags = list(string) }) }
variable "settings_text" { type = string }
variable "zones" { type = list(string) }
variable "choice" { type = string }

resource "terraform_data" "work" {
  input = var.text
  provisioner "local-exec" {
    command = "echo working on $GREETING"
  }
}

output "text" { value = terraform_data.work.output }
output "number" { value = var.count_of * 2 }
output "flag" { value = !var.flag }
output "size" { value = var.settings.size }
output "settings_text" { value = var.settings_text }
output "zones" { value = var.zones }
output "choice" { value = var.choice }
output "file" { value = file("${path.module}/note.txt") }
output "block" { value = var.meshstack_building_block_id }
output "run" { value = jsondecode(base64decode(var.meshstack_building_block_run_b64)).metadata.uuid }
output "nothing" { value = null }
"#;

#[tokio::test]
async fn outputs_of_every_type_come_back() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("modules/all/main.tf", ALL_TYPES), ("README.md", "nothing here")]);
    let order = Order::of("APPLY", &origin.url())
        .set("repositoryPath", "modules/all")
        .input("text", "STRING", "a ${not} \"interpolated\" text")
        .input("count_of", "INTEGER", 21)
        .input("flag", "BOOLEAN", false)
        .input("settings", "CODE", "{\n  size = 3\n  tags = [\"a\", \"b\"]\n}")
        .input("settings_text", "CODE", "{\"a\": 1.50}")
        .input("zones", "MULTI_SELECT", json!(["c", "a"]))
        .input("choice", "SINGLE_SELECT", "large")
        .input("note.txt", "FILE", format!("data:text/plain;base64,{}", STANDARD.encode("from a file")))
        .environment("GREETING", "STRING", "the greeting");
    let block = order.block();
    let uuid = order.at(&server);
    let run = server.success_of(&uuid).await;

    for (name, output_type, value) in [
        ("text", "STRING", json!("a ${not} \"interpolated\" text")),
        ("number", "INTEGER", json!(42)),
        ("flag", "BOOLEAN", json!(true)),
        ("size", "INTEGER", json!(3)),
        ("settings_text", "STRING", json!("{\"a\": 1.50}")),
        ("zones", "CODE", json!("[\n  \"c\",\n  \"a\"\n]")),
        ("choice", "STRING", json!("large")),
        ("file", "STRING", json!("from a file")),
        ("block", "STRING", json!(block)),
        ("run", "STRING", json!(uuid)),
    ] {
        assert_eq!(
            run.outputs[name],
            json!({ "value": value, "type": output_type, "isSensitive": false }),
            "{name}"
        );
    }
    assert!(!run.outputs.contains_key("nothing"));

    let names: Vec<_> =
        run.registered.iter().map(|step| (step["id"].clone(), step["displayName"].clone())).collect();
    let expected = [
        ("sources", "Prepare Run and download Sources"),
        ("input", "Initialize Inputs"),
        ("init_tf", "Initialize Terraform and select Workspace"),
        ("pre_run_script", "Execute Pre-Run Script"),
        ("execute_tf", "Run Terraform Apply"),
        ("output", "Collect Outputs and clean up"),
    ];
    assert_eq!(names, expected.map(|(id, name)| (json!(id), json!(name))));
    assert!(run.statuses().iter().all(|(_, status)| status == "SUCCEEDED"), "{:?}", run.statuses());
    assert!(run.text("execute_tf", "systemMessage").contains("working on the greeting"));
    assert!(run.text("sources", "systemMessage").contains("Using OpenTofu v1.6.2"));
    runner.stop().await;
}

#[tokio::test]
async fn sealed_inputs_are_opened_and_never_shown() {
    let (text, code, token, file) = (
        "s3cr3t \"value\"",
        "{\"password\":\"hunter2hunter2\"}",
        "tok-12345-67890",
        "-----KEY-----\nMIIEabcdefgh\n",
    );
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[(
        "main.tf",
        r#"
variable "text" { type = string }
variable "code" { type = object({ password = string }) }
resource "terraform_data" "leak" {
  input = { text = var.text, password = var.code.password }
  provisioner "local-exec" {
    command = "printf '%s\\n' \"$TOKEN\" \"$TEXT\" \"$PASSWORD\"; printf %s \"$TOKEN\" | base64; printf 'user:%s' \"$PASSWORD\" | base64; cat key.pem; echo $TF_HTTP_PASSWORD"
    environment = { TEXT = var.text, PASSWORD = var.code.password }
  }
}
output "text" { value = terraform_data.leak.output.text }
output "password" { value = var.code.password }
output "file" { value = file("key.pem") }
output "hidden" {
  value     = var.text
  sensitive = true
}
"#,
    )]);
    let uuid = Order::of("APPLY", &origin.url())
        .sealed_input("text", "STRING", text)
        .sealed_input("code", "CODE", code)
        .sealed_input("key.pem", "FILE", &format!("data:text/plain;base64,{}", STANDARD.encode(file)))
        .sealed_environment("TOKEN", token)
        .at(&server);
    let run = server.success_of(&uuid).await;
    assert_eq!(run.outputs["text"]["value"], text);
    assert_eq!(run.outputs["password"]["value"], "hunter2hunter2");
    assert_eq!(run.outputs["file"]["value"], file);
    assert_eq!(run.outputs["hidden"]["isSensitive"], true);

    let said: String = run
        .reports
        .iter()
        .flat_map(|(_, report)| report["steps"].as_array().cloned().unwrap_or_default())
        .map(|mut step| {
            step.as_object_mut().unwrap().remove("outputs");
            step.to_string()
        })
        .collect();
    assert!(said.contains("[redacted]"));
    let run_token = format!("run-token-of-{uuid}");
    for secret in [
        "s3cr3t",
        "hunter2",
        token,
        "MIIEabcdefgh",
        run_token.as_str(),
        &STANDARD.encode(token)[..12],
        &STANDARD.encode("user:hunter2hunter2")[8..20],
    ] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    runner.stop().await;
}

#[tokio::test]
async fn a_failing_apply_tells_the_error() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[(
        "main.tf",
        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"echo the database is full >&2; exit 7\"\n  }\n}\n",
    )]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let run = server.failure_of(&uuid).await;
    let statuses = run.statuses();
    let status = |id: &str| statuses.iter().find(|(step, _)| step == id).unwrap().1.clone();
    assert_eq!(status("pre_run_script"), "SUCCEEDED");
    assert_eq!(status("execute_tf"), "FAILED");
    assert_eq!(status("output"), "FAILED");
    let message = run.text("execute_tf", "userMessage");
    assert!(message.starts_with("Error: local-exec provisioner error"), "{message}");
    assert!(message.contains("exit status 7") && message.ends_with("the database is full"), "{message}");
    assert!(run.text("execute_tf", "systemMessage").contains("Executing:"));
    assert!(run.text("output", "systemMessage").contains("\"Run Terraform Apply\" did not succeed"));
    assert_eq!(run.text("output", "userMessage"), "");
    runner.stop().await;
}

#[tokio::test]
async fn a_module_with_an_error_fails_when_it_is_initialized() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "resource \"terraform_data\" {\n")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let run = server.failure_of(&uuid).await;
    assert!(run.text("init_tf", "userMessage").contains("Error: "), "{:?}", run.steps);
    assert!(run.text("init_tf", "systemMessage").contains("tried once more"));
    runner.stop().await;
}

#[tokio::test]
async fn an_input_sealed_for_another_key_is_named() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "")]);
    let other = stoa_seal::PrivateKey::generate(2048).unwrap();
    let other = stoa_seal::PublicKey::from_pem(&other.public_pem()).unwrap();
    let mut run = Order::of("APPLY", &origin.url()).sealed_input("password", "STRING", "x").json();
    run["spec"]["buildingBlock"]["spec"]["inputs"][0]["value"] = json!(other.seal("x").unwrap());
    let run = server.failure_of(&server.queue(run)).await;
    let message = run.text("input", "userMessage");
    assert!(message.starts_with("The sensitive input `password` cannot be read by this runner"), "{message}");
    runner.stop().await;
}
