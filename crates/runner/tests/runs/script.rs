//! The contract of the pre-run script.

use super::origin::Origin;
use super::runner::{Order, Runner};
use super::stand_in::StandIn;

const ECHO: &str = "variable \"made\" {}\noutput \"made\" { value = var.made }\n";

#[tokio::test]
async fn a_script_gets_what_it_is_promised() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", ECHO)]);
    let script = "#!/bin/bash\r\n\
        echo behavior $1\r\n\
        echo run $(sed 's/.*\"metadata\":{\"uuid\":\"\\([^\"]*\\)\".*/\\1/')\r\n\
        env | cut -d= -f1 | sort | tr '\\n' ' '; echo\r\n\
        for t in tofu terraform; do $t version | sed -n 1p; done\r\n\
        command -v tofu\r\n\
        echo 'made = \"by the script\"' > zz.auto.tfvars\r\n\
        echo done >&2\r\n\
        printf 'All **good**' > \"$MESHSTACK_USER_MESSAGE\"\r\n";
    let uuid = Order::of("APPLY", &origin.url())
        .set("preRunScript", script)
        .environment("STAGE", "STRING", "prod")
        .at(&server);
    let run = server.success_of(&uuid).await;
    let log = run.text("pre_run_script", "systemMessage");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "behavior APPLY");
    assert_eq!(lines[1], format!("run {uuid}"));
    let names: Vec<&str> = lines[2].split_whitespace().collect();
    for name in ["STAGE", "MESHSTACK_USER_MESSAGE", "TF_HTTP_USERNAME", "TF_HTTP_PASSWORD", "PATH"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(
        !names.iter().any(|name| name.starts_with("CARGO") || name.starts_with("STOA_TOFU")),
        "{names:?}"
    );
    assert_eq!(lines[3..5], ["OpenTofu v1.6.2", "OpenTofu v1.6.2"]);
    assert!(lines[5].ends_with("/bin/tofu"), "{}", lines[5]);
    assert_eq!(lines[6], "done");
    assert_eq!(run.text("pre_run_script", "userMessage"), "All **good**");
    assert_eq!(run.outputs["made"]["value"], "by the script");
    runner.stop().await;
}

#[tokio::test]
async fn a_failing_script_ends_the_run_with_its_own_message() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "")]);
    let own = "echo the quota is used up > \"$MESHSTACK_USER_MESSAGE\"; false; echo never";
    let own = Order::of("APPLY", &origin.url()).set("preRunScript", own).at(&server);
    let none = Order::of("DESTROY", &origin.url()).set("preRunScript", "true | exit 3").at(&server);
    let run = server.failure_of(&own).await;
    assert_eq!(run.text("pre_run_script", "userMessage"), "the quota is used up");
    assert!(!run.text("pre_run_script", "systemMessage").contains("never"));
    assert_eq!(run.text("execute_tf", "status"), "FAILED");
    let why = run.text("execute_tf", "systemMessage");
    assert!(why.contains("\"Execute Pre-Run Script\" did not succeed"), "{why}");
    let run = server.failure_of(&none).await;
    assert_eq!(run.text("pre_run_script", "userMessage"), "The pre-run script failed (exit code 3)");
    runner.stop().await;
}

#[tokio::test]
async fn what_a_script_leaves_running_is_ended() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "")]);
    let note = origin.note("pids");
    let script = format!(
        "sleep 600 & echo $! >> {0}; setsid sleep 600 & sleep 0.2; pgrep -n -f 'sleep 600' >> {0} || true",
        note.display()
    );
    let uuid = Order::of("APPLY", &origin.url()).set("preRunScript", script).at(&server);
    server.success_of(&uuid).await;
    runner.stop().await;
    let pids = std::fs::read_to_string(note).unwrap();
    assert!(!pids.is_empty());
    for pid in pids.lines() {
        super::runner::gone(pid).await;
    }
}
