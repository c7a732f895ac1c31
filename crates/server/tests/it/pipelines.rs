//! Blocks whose runs are pipelines of GitHub, GitLab and Azure DevOps: ordered here, done there by the runner's hand,
//! and taken down again. The systems are stand-ins; everything else is real.

use crate::on_both;
use crate::stoa::{Caller, SHARED, Stoa, input, shared_key, text};
use crate::systems::{Mishap, Served, azure, github, gitlab};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use stoa_client::Credential;
use stoa_runner::{Config, RunnerError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const BLOCK: &str = "meshBuildingBlock";

/// A runner at work.
struct Runner {
    folder: PathBuf,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Runner {
    /// One with this credential, in a folder of its own or one that another left.
    fn start(stoa: &Stoa, (uuid, caller): (&str, &Caller), folder: Option<PathBuf>) -> Self {
        let folder = folder.unwrap_or_else(|| tempfile::tempdir().unwrap().keep());
        let config = Config {
            base_url: stoa.url.clone(),
            credential: Credential::Key {
                client_id: caller.client_id.clone(),
                client_secret: caller.client_secret.clone(),
            },
            runner_uuid: uuid.to_owned(),
            private_key_pem: shared_key().to_pem(),
            work_dir: folder.clone(),
            push_interval: Duration::from_millis(50),
            heartbeat_interval: Duration::from_millis(300),
            pipeline_poll_interval: Duration::from_millis(100),
            shutdown_grace: Duration::ZERO,
            ..Config::default()
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(stoa_runner::run(config, shutdown.clone()));
        Self { folder, shutdown, task }
    }

    fn shared(stoa: &Stoa) -> Self {
        Self::start(stoa, (SHARED, &stoa.admin), None)
    }

    async fn stop(self) -> PathBuf {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
        self.folder
    }

    /// Ends it as a loss of power would.
    async fn kill(self) -> PathBuf {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.folder
    }
}

async fn integration(stoa: &Stoa, config: Value) -> Value {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "ci", "config": config },
    });
    let created = stoa.admin.create("meshIntegration", &body).await;
    json!({ "uuid": created["metadata"]["uuid"] })
}

async fn at_github(stoa: &Stoa, github: &Served<github::GitHub>, runner: &str) -> Value {
    let config = json!({
        "baseUrl": github.url, "owner": github::OWNER, "appId": github::APP_ID,
        "appPrivateKey": { "plaintext": github::app_pem() }, "runnerRef": { "uuid": runner },
    });
    integration(stoa, json!({ "type": "github", "github": config })).await
}

fn workflow(integration: &Value, is_async: bool) -> Value {
    json!({ "implementation": { "type": "githubWorkflows", "terraform": null, "githubWorkflows": {
        "integrationRef": integration, "repository": "fruit/press", "branch": github::BRANCH,
        "applyWorkflow": "apply.yml", "destroyWorkflow": "destroy.yml", "async": is_async,
        "omitRunObjectInput": true,
    } } })
}

/// A block of a definition with this change to its version.
async fn ordered(stoa: &Stoa, change: Value, inputs: Value) -> String {
    let (_, version) = stoa.definition("demo-partner", change).await;
    text(&stoa.order(&stoa.admin, &version, "shop", inputs).await, "/metadata/uuid")
}

async fn becomes(stoa: &Stoa, block: &str, status: &str) -> Value {
    stoa.admin.until(BLOCK, block, |block| block["status"]["status"] == status).await
}

async fn is_taken_down(stoa: &Stoa, block: &str) {
    stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
    stoa.admin.until(BLOCK, block, |block| block["status"]["lifecycle"]["state"] == "DELETED").await;
}

/// What the public actions do in a workflow: register, then report with the run's token.
async fn reports(stoa: &Stoa, (url, token): (&str, &str), id: u64, outputs: Value) {
    let run = url.rsplit('/').next().unwrap();
    let workflow = stoa.nobody().bearer(token);
    let read = workflow.get("meshBuildingBlockRun", &format!("/{run}")).await.expect(200);
    assert_eq!(read["_links"]["self"]["href"], url);
    let source = json!({
        "source": { "id": "github", "externalRunId": id, "externalRunUrl": "https://github.example.org/x" },
        "steps": [{ "id": "press", "displayName": "Press" }],
    });
    workflow.register(run, &source).await.expect(200);
    let step = json!({ "id": "press", "status": "SUCCEEDED", "outputs": outputs });
    let report = json!({ "status": "SUCCEEDED", "steps": [step] });
    workflow.report(run, "github", &report).await.expect(200);
}

on_both! {
    async fn a_workflow_that_reports_by_itself_makes_and_takes_down_a_block(stoa) {
        stoa.workspace("shop").await;
        let github = Served::github().await;
        // A runner for nothing but GitHub, with the rights that the guide names.
        let runner = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": {
                "displayName": "GitHub runner", "publicKey": shared_key().public_pem(),
                "implementationType": "GITHUB_WORKFLOW",
            },
        });
        let uuid = text(&stoa.admin.create("meshBuildingBlockRunner", &runner).await, "/metadata/uuid");
        let rights = [
            "MANAGED_BUILDINGBLOCKRUN_LIST",
            "MANAGED_BUILDINGBLOCKRUN_SAVE",
            "MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE",
        ];
        let key = stoa.key("demo-partner", &rights).await;
        let runner = Runner::start(&stoa, (&uuid, &key), None);
        let integration = at_github(&stoa, &github, &uuid).await;
        let mut change = workflow(&integration, true);
        change["outputs"] = json!({ "url": { "displayName": "URL", "type": "STRING" } });
        let block = ordered(&stoa, change, json!({})).await;

        let told = |place: usize| {
            let book = github.book();
            let (file, body) = &book.dispatches[place];
            let text = |name: &str| body["inputs"][name].as_str().unwrap().to_owned();
            (file.clone(), text("buildingBlockRunUrl"), text("MESHSTACK_RUN_TOKEN"), book.runs[place].id)
        };
        github.until("dispatched", |book| book.dispatches.len() == 1).await;
        let (file, url, token, id) = told(0);
        assert_eq!(file, "apply.yml");
        let run = url.rsplit('/').next().unwrap().to_owned();
        let logs = async || stoa.admin.logs(&run).await;
        crate::patience::until("the runner has handed over", async || {
            logs().await["steps"][0]["status"] == "SUCCEEDED"
        })
        .await;
        let handed = logs().await;
        assert_eq!(handed["status"], "IN_PROGRESS");
        assert_eq!(handed["sources"][0]["externalRunId"], id.to_string());
        reports(&stoa, (&url, &token), id, json!({ "url": { "value": "https://x", "type": "STRING" } })).await;
        let done = becomes(&stoa, &block, "SUCCEEDED").await;
        assert_eq!(done["status"]["outputs"]["url"]["value"], "https://x");
        assert_eq!(logs().await["warnings"], json!([]));

        stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
        github.until("dispatched", |book| book.dispatches.len() == 2).await;
        let (file, url, token, id) = told(1);
        assert_eq!(file, "destroy.yml");
        reports(&stoa, (&url, &token), id, json!({})).await;
        stoa.admin.until(BLOCK, &block, |block| block["status"]["lifecycle"]["state"] == "DELETED").await;
        runner.stop().await;
    }

    async fn a_start_whose_answer_is_lost_is_known_by_what_the_workflow_reports(stoa) {
        stoa.workspace("shop").await;
        let github = Served::github().await;
        github.book().titles_runs = false;
        github.mishap("/dispatches", Mishap::LosesReply);
        let runner = Runner::shared(&stoa);
        let integration = at_github(&stoa, &github, SHARED).await;
        let block = ordered(&stoa, workflow(&integration, true), json!({})).await;
        github.until("dispatched", |book| book.dispatches.len() == 1).await;
        let (url, token, id) = {
            let book = github.book();
            let text = |name: &str| book.dispatches[0].1["inputs"][name].as_str().unwrap().to_owned();
            (text("buildingBlockRunUrl"), text("MESHSTACK_RUN_TOKEN"), book.runs[0].id)
        };
        let run = url.rsplit('/').next().unwrap();
        let source = json!({ "source": { "id": "github", "externalRunId": id }, "steps": [] });
        stoa.nobody().bearer(&token).register(run, &source).await.expect(200);
        let trigger = async || {
            let logs = stoa.admin.logs(run).await;
            let steps = logs["steps"].as_array().unwrap().clone();
            let step = steps.into_iter().find(|step| step["id"] == "gh-trigger");
            (step.unwrap_or_default(), logs["sources"].clone())
        };
        crate::patience::until("the runner knows that it started", async || {
            trigger().await.0["status"] == "SUCCEEDED"
        })
        .await;
        let (step, sources) = trigger().await;
        assert!(text(&step, "/systemMessage").contains("It was started: it reports as `github`"), "{step}");
        let ids: Vec<&Value> = sources.as_array().unwrap().iter().map(|source| &source["externalRunId"]).collect();
        assert_eq!(ids, [&json!(id.to_string()), &json!(id.to_string())]);
        reports(&stoa, (&url, &token), id, json!({})).await;
        becomes(&stoa, &block, "SUCCEEDED").await;
        assert_eq!(github.book().dispatches.len(), 1);
        runner.stop().await;
    }

    async fn a_workflow_that_is_followed_succeeds_fails_and_is_aborted(stoa) {
        stoa.workspace("shop").await;
        let github = Served::github().await;
        let runner = Runner::shared(&stoa);
        let integration = at_github(&stoa, &github, SHARED).await;
        let (_, version) = stoa.definition("demo-partner", workflow(&integration, false)).await;
        let order = async || {
            text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid")
        };
        let block = order().await;
        let done = becomes(&stoa, &block, "SUCCEEDED").await;
        let logs = stoa.admin.logs(&text(&done, "/status/latestRunUuid")).await;
        let steps: Vec<String> = logs["steps"].as_array().unwrap().iter().map(|s| text(s, "/displayName")).collect();
        assert_eq!(steps, ["Trigger GitHub Action", "GitHub Job: plan", "GitHub Job: press"]);
        assert_eq!(logs["warnings"], json!([]));
        is_taken_down(&stoa, &block).await;
        assert_eq!(github.book().dispatches[1].0, "destroy.yml");

        github.book().ends = Some("failure");
        let block = order().await;
        let failed = becomes(&stoa, &block, "FAILED").await;
        let logs = stoa.admin.logs(&text(&failed, "/status/latestRunUuid")).await;
        assert_eq!(text(&logs, "/steps/0/userMessage"), "The GitHub workflow ended with `failure`");

        github.book().ends = None;
        let block = order().await;
        github.until("at work", |book| book.runs.last().unwrap().status == "in_progress").await;
        let at_work = stoa.admin.block(&block).await;
        let run = text(&at_work, "/status/latestRunUuid");
        stoa.admin.act("meshBuildingBlockRun", &format!("/{run}/abort")).await.expect(202);
        becomes(&stoa, &block, "ABORTED").await;
        github.until("cancelled", |book| book.cancelled.len() == 1).await;
        runner.stop().await;
    }

    async fn a_runner_that_is_killed_goes_on_with_the_workflow_it_started(stoa) {
        stoa.workspace("shop").await;
        let github = Served::github().await;
        github.book().ends = None;
        let runner = Runner::shared(&stoa);
        let integration = at_github(&stoa, &github, SHARED).await;
        let block = ordered(&stoa, workflow(&integration, false), json!({})).await;
        github.until("at work", |book| book.runs.iter().any(|run| run.status == "in_progress")).await;
        let folder = runner.kill().await;
        // Nobody says a word for so long that the run is offered again. What the runner had sent before it was killed
        // may arrive only now, and counts as a word.
        let mut rounds = 0;
        let admin = loop {
            stoa.advance(Duration::from_secs(4 * 3600));
            let admin = stoa.again(&stoa.admin).await;
            let offered = async || {
                let path = format!("/{block}");
                admin.get(BLOCK, &path).await.expect(200)["status"]["status"] == "PENDING"
            };
            let until = tokio::time::Instant::now() + Duration::from_secs(20);
            while !offered().await && tokio::time::Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if offered().await {
                break admin;
            }
            rounds += 1;
            assert!(rounds < 4, "the run is not offered again");
        };
        github.book().end("success");
        let runner = Runner::start(&stoa, (SHARED, &admin), Some(folder));
        admin.until(BLOCK, &block, |block| block["status"]["status"] == "SUCCEEDED").await;
        assert_eq!(github.book().dispatches.len(), 1, "it is not started twice");
        runner.stop().await;
    }

    async fn a_gitlab_pipeline_makes_and_takes_down_a_block(stoa) {
        stoa.workspace("shop").await;
        let gitlab = Served::gitlab().await;
        let runner = Runner::shared(&stoa);
        let config = json!({ "type": "gitlab", "gitlab": { "baseUrl": gitlab.url } });
        let integration = integration(&stoa, config).await;
        let change = json!({
            "implementation": { "type": "gitlabPipeline", "terraform": null, "gitlabPipeline": {
                "integrationRef": integration, "projectId": gitlab::PROJECT, "refName": "main",
                "pipelineTriggerToken": { "plaintext": gitlab::TRIGGER_TOKEN },
            } },
            "inputs": {
                "name": input(json!({})),
                "PASSWORD": input(json!({ "isSensitive": true, "isEnvironment": true })),
            },
            "outputs": { "url": { "displayName": "URL", "type": "STRING" } },
        });
        let inputs = json!({
            "name": { "value": "pear", "isSensitive": false },
            "PASSWORD": { "value": { "plaintext": "hunter2-hunter2" }, "isSensitive": true },
        });
        let block = ordered(&stoa, change, inputs).await;
        for (place, behavior) in ["APPLY", "DESTROY"].into_iter().enumerate() {
            if behavior == "DESTROY" {
                stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
            }
            gitlab.until("triggered", |book| book.triggers.len() == place + 1).await;
            let fields = gitlab.book().triggers[place].clone();
            assert_eq!(fields["variables[MESHSTACK_BEHAVIOR]"], behavior);
            assert_eq!(fields["variables[PASSWORD]"], "hunter2-hunter2");
            assert_eq!(fields["inputs[name]"], "pear");
            let run: Value = serde_json::from_str(&fields["variables[MESHSTACK_RUN]"]).unwrap();
            let pipeline = stoa.nobody().bearer(&text(&run, "/spec/runToken"));
            let step = json!({ "id": "deploy", "status": "SUCCEEDED", "outputs": {
                "url": { "value": "https://x", "type": "STRING" },
            } });
            let address = fields["variables[MESHSTACK_UPDATE_SOURCE_URL]"].replace("{sourceId}", "pipeline");
            let id = text(&run, "/metadata/uuid");
            assert!(address.ends_with(&format!("/{id}/status/source/pipeline")), "{address}");
            let report = json!({ "status": "SUCCEEDED", "steps": [step] });
            pipeline.report(&id, "pipeline", &report).await.expect(200);
            if behavior == "APPLY" {
                let done = becomes(&stoa, &block, "SUCCEEDED").await;
                assert_eq!(done["status"]["outputs"]["url"]["value"], "https://x");
            }
        }
        stoa.admin.until(BLOCK, &block, |block| block["status"]["lifecycle"]["state"] == "DELETED").await;
        runner.stop().await;
    }

    async fn an_azure_pipeline_makes_and_takes_down_a_block_and_fails(stoa) {
        stoa.workspace("shop").await;
        let azure = Served::azure().await;
        let runner = Runner::shared(&stoa);
        let config = json!({
            "baseUrl": azure.url, "organization": azure::ORGANIZATION,
            "personalAccessToken": { "plaintext": azure::TOKEN },
        });
        let integration = integration(&stoa, json!({ "type": "azuredevops", "azuredevops": config })).await;
        let change = json!({
            "implementation": { "type": "azureDevOpsPipeline", "terraform": null, "azureDevOpsPipeline": {
                "integrationRef": integration, "project": azure::PROJECT, "pipelineId": azure::PIPELINE,
                "refName": "main", "async": false,
            } },
            "inputs": {
                "name": input(json!({})),
                "block": input(json!({ "assignmentType": "TENANT_BUILDING_BLOCK_UUID" })),
            },
        });
        let inputs = json!({ "name": { "value": "pear", "isSensitive": false } });
        let block = ordered(&stoa, change, inputs).await;
        let done = becomes(&stoa, &block, "SUCCEEDED").await;
        let expected = json!({ "name": "pear", "block": block, "MESHSTACK_BEHAVIOR": "APPLY" });
        assert_eq!(azure.book().runs[0].body["templateParameters"], expected);
        let logs = stoa.admin.logs(&text(&done, "/status/latestRunUuid")).await;
        assert_eq!(text(&logs, "/steps/2/displayName"), "Stage: Press");
        let url = text(&logs, "/sources/0/externalRunUrl");
        assert!(url.ends_with("buildId=700"), "{url}");

        azure.book().ends = Some("failed");
        stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
        let failed = becomes(&stoa, &block, "FAILED").await;
        assert_eq!(failed["status"]["lifecycle"]["state"], "MARKED_FOR_DELETION");
        azure.book().ends = Some("succeeded");
        is_taken_down(&stoa, &block).await;
        assert_eq!(azure.book().runs[2].body["templateParameters"]["MESHSTACK_BEHAVIOR"], "DESTROY");
        runner.stop().await;
    }
}
