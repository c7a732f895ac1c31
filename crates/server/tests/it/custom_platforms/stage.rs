//! What every story begins with: an installation of the platform, a server with its runner, and the two teams.

use super::spaces::{PATIENCE, Pipeline, Spaces, TOKEN, WEBHOOK_SECRET, examples};
use crate::stoa::{Answer, Caller, Stoa, merge, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stoa_db::Engine;
use tempfile::TempDir;

/// The workspace that offers the platform.
pub const BUILDERS: &str = "platform-team";
/// A workspace that orders.
pub const SHOP: &str = "shop";

const OF_BUILDERS: &[&str] = &[
    "PLATFORMINSTANCE_LIST",
    "PLATFORMINSTANCE_SAVE",
    "PLATFORMINSTANCE_DELETE",
    "LANDINGZONE_LIST",
    "LANDINGZONE_SAVE",
    "LANDINGZONE_DELETE",
    "BUILDINGBLOCKDEFINITION_LIST",
    "BUILDINGBLOCKDEFINITION_SAVE",
    "BUILDINGBLOCKDEFINITION_DELETE",
    "MANAGED_BUILDINGBLOCK_LIST",
    "MANAGED_BUILDINGBLOCK_SAVE",
    "MANAGED_BUILDINGBLOCKRUN_LIST",
    "MANAGED_TENANT_IMPORT",
    "PROJECT_LIST",
    "PROJECT_SAVE",
    "TENANT_LIST",
    "TENANT_SAVE",
    "TENANT_DELETE",
    "BUILDINGBLOCK_LIST",
];
const OF_SHOP: &[&str] = &[
    "PLATFORMINSTANCE_LIST",
    "LANDINGZONE_LIST",
    "PROJECT_LIST",
    "PROJECT_SAVE",
    "PROJECT_DELETE",
    "TENANT_LIST",
    "TENANT_SAVE",
    "TENANT_DELETE",
    "BUILDINGBLOCK_LIST",
    "PROJECTPRINCIPALROLE_LIST",
    "PROJECTPRINCIPALROLE_SAVE",
    "PROJECTPRINCIPALROLE_DELETE",
    "WORKSPACEPRINCIPALBINDING_SAVE",
    "WORKSPACEPRINCIPALBINDING_LIST",
];

/// A definition and its first version.
pub struct Connector {
    /// The definition.
    pub definition: String,
    /// The version.
    pub version: String,
    /// The version as it was sent, with the secret in the clear.
    pub body: Value,
}

/// A server with its runner, the two teams, and the first installation of the platform.
pub struct Stage {
    /// The server.
    pub stoa: Stoa,
    /// The team that offers the platform.
    pub builders: Caller,
    /// The team that orders.
    pub shop: Caller,
    /// The first installation.
    pub north: Spaces,
    repository: TempDir,
}

impl Stage {
    /// Everything that stories begin with; none when the engine is not offered.
    pub async fn on(engine: Engine) -> Option<Self> {
        let stoa = Stoa::on_with(engine, |config| {
            config.no_runner = false;
            assert!(
                config.tofu.is_some(),
                "set STOA_TOFU to the path of an OpenTofu program; `make test` does"
            );
        })
        .await?;
        for (name, is_builder) in [(BUILDERS, true), (SHOP, false)] {
            let spec = json!({ "displayName": name, "platformBuilderAccessEnabled": is_builder });
            let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": spec });
            stoa.admin.create("meshWorkspace", &body).await;
        }
        let builders = stoa.key(BUILDERS, OF_BUILDERS).await;
        let shop = stoa.key(SHOP, OF_SHOP).await;
        let stage = Self { stoa, builders, shop, north: Spaces::start("North"), repository: repository() };
        for body in stage.manifest("type.yaml", &[]) {
            stage.builders.create(&text(&body, "/kind"), &body).await;
        }
        stage.project(&stage.builders, BUILDERS, "trial").await;
        stage.project(&stage.shop, SHOP, "photos").await;
        Some(stage)
    }

    /// The documents of a manifest of the example, with these words in place.
    pub fn manifest(&self, file: &str, words: &[(&str, &str)]) -> Vec<Value> {
        let path = examples().join("custom-platform/manifests").join(file);
        let mut text = std::fs::read_to_string(path).unwrap();
        let repository = ("REPOSITORY", self.repository.path().to_str().unwrap());
        for (word, value) in words.iter().chain([&repository]) {
            text = text.replace(&format!("@{word}@"), value);
        }
        serde_saphyr::from_multiple(&text).unwrap()
    }

    /// A project.
    pub async fn project(&self, caller: &Caller, workspace: &str, name: &str) {
        let body = json!({
            "metadata": { "name": name, "ownedByWorkspace": workspace },
            "spec": { "displayName": name, "tags": {} },
        });
        caller.create("meshProject", &body).await;
    }

    /// A connector in draft, from one of the manifests.
    pub async fn connector(&self, file: &str, words: &[(&str, &str)], change: Value) -> Connector {
        let [definition, mut version] = self.manifest(file, words).try_into().unwrap();
        let made = self.builders.create("meshBuildingBlockDefinition", &definition).await;
        let definition = text(&made, "/metadata/uuid");
        let uuid = text(&made, "/status/latestVersionUuid");
        version["spec"]["buildingBlockDefinitionRef"] = json!({ "uuid": definition });
        for (key, secret) in [("SPACES_TOKEN", TOKEN), ("WEBHOOK_SECRET", WEBHOOK_SECRET)] {
            if let Some(input) = version["spec"]["inputs"].get_mut(key) {
                input["argument"] = json!({ "plaintext": secret });
            }
        }
        merge(&mut version["spec"], &change);
        let connector = Connector { definition, version: uuid, body: version };
        self.save(&connector).await;
        connector
    }

    /// Writes a connector's version as its body says.
    pub async fn save(&self, connector: &Connector) {
        let path = format!("/{}", connector.version);
        self.builders.put("meshBuildingBlockDefinitionVersion", &path, &connector.body).await.expect(200);
    }

    /// The connector of an installation as a module.
    pub async fn module(&self, instance: &str, spaces: &Spaces) -> Connector {
        self.connector("connector.yaml", &[("INSTANCE", instance), ("SPACES", spaces.url())], json!({})).await
    }

    /// The connector of an installation as a pipeline.
    pub async fn by_pipeline(&self, instance: &str, pipeline: &Pipeline) -> Connector {
        let words = [("INSTANCE", instance), ("WEBHOOK", pipeline.url())];
        self.connector("connector-by-pipeline.yaml", &words, json!({})).await
    }

    /// The platform object of an installation; its uuid.
    pub async fn platform(&self, instance: &str, spaces: &Spaces) -> String {
        let words = [("INSTANCE", instance), ("SPACES", spaces.url())];
        let [body] = self.manifest("platform.yaml", &words).try_into().unwrap();
        text(&self.builders.create("meshPlatform", &body).await, "/metadata/uuid")
    }

    /// A landing zone from one of the manifests, with this connector as mandatory block; its name.
    pub async fn zone(
        &self,
        file: &str,
        instance: &str,
        platform: &str,
        connector: Option<&Connector>,
        change: Value,
    ) -> String {
        let [mut body] = self.manifest(file, &[("INSTANCE", instance)]).try_into().unwrap();
        body["spec"]["platformRef"] = json!({ "uuid": platform });
        let mandatory: Vec<Value> =
            connector.iter().map(|connector| json!({ "uuid": connector.definition })).collect();
        body["spec"]["mandatoryBuildingBlockRefs"] = json!(mandatory);
        merge(&mut body, &change);
        text(&self.builders.create("meshLandingZone", &body).await, "/metadata/name")
    }

    /// An installation with everything: connector in draft, platform, landing zone.
    pub async fn offer(&self, instance: &str, spaces: &Spaces) -> (Connector, String, String) {
        let connector = self.module(instance, spaces).await;
        let platform = self.platform(instance, spaces).await;
        let zone = self.zone("landing-zone.yaml", instance, &platform, Some(&connector), json!({})).await;
        (connector, platform, zone)
    }

    /// Releases a connector: its owner asks, an administrator approves.
    pub async fn release(&self, connector: &Connector) {
        let mut body = connector.body.clone();
        body["spec"]["state"] = json!("RELEASED");
        let path = format!("/{}", connector.version);
        self.builders.put("meshBuildingBlockDefinitionVersion", &path, &body).await.expect(200);
        let approve = format!("/{}/approve", connector.version);
        let approved = self.stoa.admin.act("meshBuildingBlockDefinitionVersion", &approve).await;
        assert!((200..300).contains(&approved.status), "{approved:?}");
    }

    /// Publishes a platform for everybody: its owner asks, an administrator approves.
    pub async fn publish(&self, platform: &str) {
        let path = format!("platforms/{platform}/publication-requests");
        let asked = operate(&self.builders, "POST", &path, Some(json!({ "message": "please" }))).await;
        assert!((200..300).contains(&asked.status), "{asked:?}");
        let path = format!("platforms/{platform}/publication-reviews");
        let review = json!({ "decision": "APPROVE", "comment": "welcome" });
        let reviewed = operate(&self.stoa.admin, "POST", &path, Some(review)).await;
        assert!((200..300).contains(&reviewed.status), "{reviewed:?}");
    }

    /// A user known to Stoa, with an external id if there is one.
    pub async fn user(&self, name: &str, euid: Option<&str>) {
        let mut spec =
            json!({ "email": format!("{name}@example.org"), "firstName": name, "lastName": "Tester" });
        if let Some(euid) = euid {
            spec["euid"] = json!(euid);
        }
        self.stoa.admin.create("meshUser", &json!({ "metadata": { "name": name }, "spec": spec })).await;
    }

    /// Makes somebody a member of a workspace, perhaps only until the end of a day.
    pub async fn member(&self, name: &str, workspace: &str, until: Option<&str>) {
        let mut body = json!({
            "metadata": { "name": format!("{workspace}-{name}") },
            "roleRef": { "name": "Workspace Member" },
            "targetRef": { "name": workspace },
            "subject": { "name": name },
        });
        if let Some(until) = until {
            body["expiryDate"] = json!(until);
        }
        self.stoa.admin.create("meshWorkspaceUserBinding", &body).await;
    }

    /// The group `pickers` of the shop with these members: groups come by import only.
    pub async fn group(&self, members: &[&str]) {
        let body = json!([{
            "apiVersion": "v1",
            "kind": "meshWorkspaceUserGroup",
            "metadata": { "name": "pickers", "ownedByWorkspace": SHOP },
            "spec": { "displayName": "Pickers", "members": members, "tags": {} },
        }]);
        let answer = self.stoa.admin.raw(Method::PUT, "/api/meshobjects", |request| {
            let media = "application/vnd.meshcloud.api.meshobjects.v1+json";
            request.header("accept", media).header("content-type", media).body(body.to_string())
        });
        let answer = answer.await;
        assert_eq!(answer.json()[0]["status"], "SUCCESS", "{answer:?}");
    }

    /// Gives a member of the shop a role in its project.
    pub async fn grant(&self, name: &str, role: &str) {
        let body = json!({
            "metadata": { "name": format!("photos-{name}-{}", role.to_lowercase().replace(' ', "-")) },
            "roleRef": { "name": role },
            "targetRef": { "name": "photos", "ownedByWorkspace": SHOP },
            "subject": { "name": name },
        });
        self.shop.create("meshProjectUserBinding", &body).await;
    }

    /// Takes the role away again.
    pub async fn revoke(&self, name: &str, role: &str) {
        let path = format!("/photos-{name}-{}", role.to_lowercase().replace(' ', "-"));
        self.shop.delete("meshProjectUserBinding", &path).await.expect(204);
    }

    /// The tenant of a project once it has its id and its block is done.
    pub async fn ready(&self, tenant: &Value) -> Value {
        let uuid = text(tenant, "/metadata/uuid");
        let ready =
            until(&self.stoa.admin, "meshTenant", &uuid, |now| now["spec"]["platformTenantId"].is_string());
        let ready = ready.await;
        self.settled(&uuid, "SUCCEEDED").await;
        ready
    }

    /// The block of a tenant, once it has this status and no run is under way.
    pub async fn settled(&self, tenant: &str, status: &str) -> Value {
        let block = self.block(tenant).await;
        let uuid = text(&block, "/metadata/uuid");
        until(&self.stoa.admin, "meshBuildingBlock", &uuid, |block| block["status"]["status"] == status).await
    }

    /// The only block of a tenant.
    pub async fn block(&self, tenant: &str) -> Value {
        let blocks = self.stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={tenant}")).await;
        assert_eq!(blocks.len(), 1, "{blocks:#?}");
        blocks[0].clone()
    }

    /// Why each run of a block was started, oldest first.
    pub async fn reasons(&self, tenant: &str) -> Vec<String> {
        let block = text(&self.block(tenant).await, "/metadata/uuid");
        let mut runs =
            self.stoa.admin.list("meshBuildingBlockRun", &format!("?buildingBlockUuid={block}")).await;
        runs.sort_by_key(|run| run["spec"]["runNumber"].as_i64());
        runs.iter().map(|run| text(run, "/spec/trigger/reason")).collect()
    }

    /// Moves the clock, and signs everybody in again.
    pub async fn later(&mut self, span: Duration) {
        self.stoa.advance(span);
        for caller in [&mut self.stoa.admin, &mut self.builders, &mut self.shop] {
            *caller = Caller::nobody(&self.stoa.url).login(&caller.client_id, &caller.client_secret).await;
        }
    }
}

/// The order of a tenant, with this change.
pub fn order(workspace: &str, project: &str, platform: &str, zone: &str, change: Value) -> Value {
    let mut body = json!({
        "metadata": { "ownedByWorkspace": workspace, "ownedByProject": project },
        "spec": {
            "platformRef": { "kind": "meshPlatform", "uuid": platform },
            "landingZoneRef": { "kind": "meshLandingZone", "name": zone },
        },
    });
    merge(&mut body, &change);
    body
}

/// An operator endpoint (`api-platforms.md` §9); `path` without `/api/stoa/v1/`.
pub async fn operate(caller: &Caller, method: &str, path: &str, body: Option<Value>) -> Answer {
    let method: Method = method.parse().unwrap();
    caller
        .raw(method, &format!("/api/stoa/v1/{path}"), |request| match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

/// Waits until something is so of an object, as long as OpenTofu may take.
pub async fn until(caller: &Caller, kind: &str, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let found = caller.get(kind, &format!("/{id}")).await.json();
        if wanted(&found) {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it did not come to pass: {found:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A git repository with the modules of the examples.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for example in ["custom-platform", "pipeline-trigger"] {
        run("cp", &["-R", examples().join(example).to_str().unwrap(), "."], folder.path());
    }
    let identity =
        ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "--all"],
        &[&identity[..], &["commit", "--quiet", "--message", "Modules"]].concat(),
    ] {
        run("git", arguments, folder.path());
    }
    folder
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let status = Command::new(program).args(arguments).current_dir(folder).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{program} {arguments:?}");
}
