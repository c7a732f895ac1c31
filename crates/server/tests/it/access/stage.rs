//! The stage for the access matrix: one of everything, all kinds of callers, and for each route a request that
//! changes nothing, or nothing that matters to the next one.

use crate::stoa::{Caller, Stoa, block_body, media, shared_key, text};
use http::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use stoa_core::Permission;
use stoa_web::{Accept, Route, Takes};
use tokio::sync::Mutex;

/// Callers with a valid credential, in the matrix's order: a key without permissions, keys with all workspace
/// codes of the consuming workspace and of another one, a key with the managed codes of the workspace whose
/// definition it is, the administrator's key, an API user, the run's token, another run's, the run's API token.
pub const COLUMNS: [&str; 9] = ["non", "own", "oth", "opr", "adm", "usr", "run", "ru2", "api"];

/// A request.
pub struct Ask {
    method: Method,
    path: String,
    media: Option<String>,
    body: Option<String>,
}

/// Everything set.
pub struct Stage {
    stoa: Stoa,
    /// One for all: its answers may have no end, which the harness's callers do not bear.
    http: reqwest::Client,
    columns: Vec<Caller>,
    strangers: Vec<(&'static str, Caller)>,
    block: String,
    purged: String,
    run: String,
    event: String,
    integration: String,
    duty: String,
    communication: String,
    addressed: String,
    runner: String,
    platform: String,
    tenant: String,
    definition: String,
    version: String,
    offered: String,
    operators_runner: String,
    spares: Mutex<HashMap<&'static str, String>>,
}

fn key_body(workspace: &str, permissions: &[&str]) -> Value {
    json!({
        "metadata": { "ownedByWorkspace": workspace },
        "spec": { "displayName": "k", "permissions": permissions },
    })
}

fn platform_body(name: &str, display_name: &str) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": "shop" },
        "spec": {
            "displayName": display_name, "description": "", "endpoint": "", "locationRef": { "name": "shop-dc" },
            "availability": {
                "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": ["shop"],
            },
            "config": { "type": "custom", "custom": { "platformTypeRef": { "name": "STACKIT" } } },
        },
    })
}

fn tenant_body(project: &str, platform: &str) -> Value {
    json!({
        "metadata": { "ownedByWorkspace": "shop", "ownedByProject": project },
        "spec": { "platformRef": { "uuid": platform } },
    })
}

fn zone_body(platform: &str, display_name: &str) -> Value {
    json!({
        "metadata": { "name": "shop-zone", "ownedByWorkspace": "shop" },
        "spec": {
            "displayName": display_name, "description": "", "automateDeletionApproval": false,
            "automateDeletionReplication": false, "platformRef": { "uuid": platform },
            "platformProperties": { "type": "custom", "custom": {} },
        },
    })
}

/// A binding in the shop: a user's or a group's, in the workspace or in its project.
fn binding(kind: &str, name: &str, (in_workspace, in_project): (&str, &str)) -> Value {
    let of_project = kind.starts_with("meshProject");
    let target = if of_project {
        json!({ "name": "web", "ownedByWorkspace": "shop" })
    } else {
        json!({ "name": "shop" })
    };
    json!({
        "metadata": { "name": name },
        "roleRef": { "name": if of_project { in_project } else { in_workspace } },
        "targetRef": target,
        "subject": { "name": if kind.contains("Group") { "pickers" } else { "lea" } },
    })
}

/// A person and a group with roles in the shop and its project. Groups come with the import.
async fn set_people(stoa: &Stoa) {
    let world = Arc::clone(&stoa.running.app.world);
    let pickers = json!({
        "metadata": { "name": "pickers", "ownedByWorkspace": "shop" },
        "spec": { "displayName": "P", "members": ["lea"] },
    });
    let saved = stoa.running.app.db.write(move |tx| {
        stoa_identity::group::save(tx, &stoa_core::Call::by_system(&world, "import"), pickers.clone())
    });
    saved.await.unwrap();
    for kind in [
        "meshWorkspaceUserBinding",
        "meshWorkspaceGroupBinding",
        "meshProjectUserBinding",
        "meshProjectGroupBinding",
    ] {
        stoa.admin.create(kind, &binding(kind, "bound", ("Workspace Member", "reader"))).await;
    }
}

fn codes(wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    Permission::all().map(Permission::code).filter(|code| wanted(code)).collect()
}

fn duty_body() -> Value {
    json!({ "spec": { "communication": {
        "title": "Move", "message": "m", "type": "ACTION_REQUIRED", "dueDate": "2097-01-01",
    } } })
}

fn communication_body(definition: &str, block: &str) -> Value {
    json!({ "spec": {
        "communicationDefinitionRef": { "kind": "meshCommunicationDefinition", "uuid": definition },
        "targetMeshObjectRef": { "kind": "meshBuildingBlock", "name": block },
    } })
}

impl Stage {
    /// Sets it.
    pub async fn set(mut stoa: Stoa) -> Self {
        // The first token is over before anything else happens.
        let expired = stoa.admin.clone();
        stoa.advance(Duration::from_mins(6));
        stoa.admin = stoa.nobody().login(&expired.client_id, &expired.client_secret).await;
        for name in ["shop", "rival", "data"] {
            stoa.workspace(name).await;
        }
        let admin = &stoa.admin;
        let workspace_codes = codes(|code| !code.starts_with("ADM_") && !code.starts_with("MANAGED_"));
        let managed_codes = codes(|code| code.starts_with("MANAGED_"));

        let runner_of = async |workspace: &str| {
            let runner = json!({ "metadata": { "ownedByWorkspace": workspace }, "spec": {
                "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": "ALL",
            } });
            text(&admin.create("meshBuildingBlockRunner", &runner).await, "/metadata/uuid")
        };
        let reference = |uuid: &str| json!({ "kind": "meshBuildingBlockRunner", "uuid": uuid });
        let operators_runner = runner_of("data").await;
        let change = json!({ "runnerRef": reference(&operators_runner), "permissions": workspace_codes });
        let (_, offered) = stoa.definition("data", change).await;

        // Two runs of the operator's definition: one of the shop's block, one of the rival's.
        let mut claimed = Vec::new();
        for workspace in ["shop", "rival"] {
            let block = stoa.order(admin, &offered, workspace, json!({})).await;
            let claim = format!("/create?forRunnerUuid={operators_runner}");
            claimed.push((block, admin.act("meshBuildingBlockRun", &claim).await.expect(201)));
        }
        let token = |place: usize| stoa.nobody().bearer(&text(&claimed[place].1, "/spec/runToken"));
        let (block, run) = (text(&claimed[0].0, "/metadata/uuid"), text(&claimed[0].1, "/metadata/uuid"));
        let inputs = claimed[0].1["spec"]["buildingBlock"]["spec"]["inputs"].as_array().unwrap();
        let api = inputs.iter().find(|input| input["key"] == "MESHSTACK_API_TOKEN").unwrap();
        let api = shared_key().open(api["value"].as_str().unwrap()).unwrap();
        let purged = text(&stoa.order(admin, &offered, "shop", json!({})).await, "/metadata/uuid");
        admin.delete("meshBuildingBlock", &format!("/{purged}/purge")).await.expect(202);

        // What the shop has of its own, all of it in use.
        let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "shop" }, "spec": { "displayName": "W" } });
        admin.create("meshProject", &project).await;
        let integration = json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": {
            "displayName": "i", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://x.example" } },
        } });
        let integration = text(&admin.create("meshIntegration", &integration).await, "/metadata/uuid");
        let runner = runner_of("shop").await;
        let change = json!({ "runnerRef": reference(&runner), "implementation": { "type": "gitlabPipeline", "gitlabPipeline": {
            "integrationRef": { "uuid": integration }, "projectId": "7", "refName": "main",
            "pipelineTriggerToken": { "plaintext": "token" },
        }, "terraform": null } });
        let (definition, version) = stoa.definition("shop", change).await;
        let addressed = text(&stoa.order(admin, &version, "shop", json!({})).await, "/metadata/uuid");
        let own = stoa.key("shop", &workspace_codes).await;
        let duty = text(&own.create("meshCommunicationDefinition", &duty_body()).await, "/metadata/uuid");
        let communication = communication_body(&duty, &addressed);
        let communication = text(&own.create("meshCommunication", &communication).await, "/metadata/uuid");
        stoa.import(&[json!({
            "apiVersion": "v2", "kind": "meshServiceInstance",
            "metadata": {
                "ownedByWorkspace": "shop", "ownedByProject": "web", "marketplaceIdentifier": "global",
                "instanceId": "si-1",
            },
            "spec": { "displayName": "DB", "serviceId": "db", "planId": "s", "creator": "lea" },
        })])
        .await;
        let user = json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
        admin.create("meshUser", &user).await;
        set_people(&stoa).await;
        let payment = json!({ "metadata": { "name": "budget", "ownedByWorkspace": "shop" }, "spec": { "displayName": "B" } });
        admin.create("meshPaymentMethod", &payment).await;
        let bot = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } });
        let bot = text(&admin.create("meshApiUser", &bot).await, "/status/password");
        stoa.tags("meshProject", &["stage"]).await;
        let event = admin.list("meshEventLog", "?workspaceIdentifier=shop").await.remove(0);

        let location = json!({ "metadata": { "name": "shop-dc", "ownedByWorkspace": "shop" }, "spec": { "displayName": "D" } });
        admin.create("meshLocation", &location).await;
        let kind = json!({ "metadata": { "name": "SHOP-TYPE", "ownedByWorkspace": "shop" }, "spec": {
            "displayName": "T", "category": "CUSTOM", "icon": "data:image/png;base64,AA==",
        } });
        admin.create("meshPlatformType", &kind).await;
        let platform = admin.create("meshPlatform", &platform_body("shop-platform", "Shop")).await;
        let platform = text(&platform, "/metadata/uuid");
        admin.create("meshLandingZone", &zone_body(&platform, "Zone")).await;
        let tenant =
            text(&admin.create("meshTenant", &tenant_body("web", &platform)).await, "/metadata/uuid");

        let gone = stoa.key("shop", &["PROJECT_LIST"]).await;
        admin.delete("meshApiKey", &format!("/{}", gone.client_id)).await.expect(204);
        let columns = vec![
            stoa.key("shop", &[]).await,
            stoa.key("shop", &workspace_codes).await,
            stoa.key("rival", &workspace_codes).await,
            stoa.key("data", &managed_codes).await,
            admin.clone(),
            stoa.nobody().basic("bot", &bot),
            token(0),
            token(1),
            stoa.nobody().bearer(&api),
        ];
        let strangers = vec![
            ("nobody", stoa.nobody()),
            ("garbage", stoa.nobody().bearer("garbage")),
            ("an expired token", expired),
            ("a deleted key's token", gone),
            ("a wrong password", stoa.nobody().basic("bot", "wrong")),
        ];
        let event = text(&event, "/metadata/uuid");
        Self {
            columns,
            strangers,
            block,
            purged,
            run,
            event,
            integration,
            duty,
            communication,
            addressed,
            runner,
            platform,
            tenant,
            definition,
            version,
            operators_runner,
            offered,
            spares: Mutex::default(),
            http: reqwest::Client::new(),
            stoa,
        }
    }

    /// Callers with a credential, as [`COLUMNS`] names them.
    pub fn columns(&self) -> &[Caller] {
        &self.columns
    }

    /// Callers without a valid one.
    pub fn strangers(&self) -> impl Iterator<Item = (&'static str, &Caller)> {
        self.strangers.iter().map(|(name, caller)| (*name, caller))
    }

    /// The key without permissions.
    pub fn poor(&self) -> &Caller {
        &self.columns[0]
    }

    /// The administrator.
    pub fn admin(&self) -> &Caller {
        &self.stoa.admin
    }

    /// All routes; what ends a run comes last.
    pub fn routes(&self) -> Vec<Arc<Route>> {
        let mut routes: Vec<Arc<Route>> = self.stoa.running.app.router.all().cloned().collect();
        routes.sort_by_key(|route| route.path.ends_with("/abort"));
        routes
    }

    /// The status that a caller gets on a route.
    pub async fn ask(&self, route: &Route, caller: &Caller) -> u16 {
        let path = self.path(route).await;
        self.ask_at(&self.asked(route, path), caller).await
    }

    /// The status of a request. Its answer may have no end.
    pub async fn ask_at(&self, ask: &Ask, caller: &Caller) -> u16 {
        let mut request = self.http.request(ask.method.clone(), format!("{}{}", self.stoa.url, ask.path));
        if let Some(authorization) = &caller.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(media) = &ask.media {
            request = request.header("accept", media);
        }
        if let Some(body) = &ask.body {
            let media = ask.media.as_deref().unwrap_or("application/json");
            request = request.header("content-type", media).body(body.clone());
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// The same request for something that does not exist, where the path names something.
    pub fn absent(&self, route: &Route) -> Option<Ask> {
        let (before, _) = route.path.split_once('{')?;
        let nothing = "00000000-0000-4000-8000-000000000000";
        let path = match before {
            "/api/terraform/state/workspace/" => {
                let rest = route.path.split_once("{uuid}").unwrap().1;
                format!("{before}shop/buildingBlock/{nothing}{rest}")
            }
            _ => format!(
                "{before}{nothing}{}",
                route
                    .path
                    .split_once('}')
                    .unwrap()
                    .1
                    .replace("{sourceId}", "s")
                    .replace("{id}", "1")
                    .replace("{binding}", "bound")
            ),
        };
        Some(self.asked(route, path))
    }

    fn asked(&self, route: &Route, path: String) -> Ask {
        let media = match route.accept {
            Accept::Kind(kind, versions) | Accept::KindIfAny(kind, versions) => {
                Some(media(kind, versions.last().unwrap()))
            }
            Accept::Exactly(media) => Some(media.to_owned()),
            Accept::Anything => match route.takes {
                Takes::Exactly(taken, _) => taken.first().map(|media| (*media).to_owned()),
                _ => None,
            },
        };
        let body = (route.takes != Takes::Nothing).then(|| self.body(route).to_string());
        Ask { method: route.method.clone(), path, media, body }
    }

    /// Where a route finds something of the shop's.
    async fn path(&self, route: &Route) -> String {
        let path = route
            .path
            .replace("{workspace}/{buildingBlock}/{uuid}", &format!("shop/buildingBlock/{}", self.block))
            .replace("{sourceId}", "source")
            .replace("{binding}", "bound")
            .replace("{id}", "1");
        match path.split_once('{') {
            Some((before, rest)) => {
                format!("{before}{}{}", self.id(route).await, rest.split_once('}').unwrap().1)
            }
            None if path.ends_with("/create") => format!("{path}?forRunnerUuid={}", self.operators_runner),
            None => path,
        }
    }

    /// What a route names: something in use, so that its deletion is refused last, or a spare one.
    async fn id(&self, route: &Route) -> String {
        let deleting = route.method == Method::DELETE;
        match route.path.split('/').nth(3).unwrap_or_default() {
            "meshworkspaces" => "shop".into(),
            "meshprojects" if deleting => self.spare("meshProject").await,
            "meshprojects" => "shop.web".into(),
            "meshapikeys" if deleting => self.spare("meshApiKey").await,
            "meshapikeys" => self.columns[0].client_id.clone(),
            "meshapiusers" if deleting => self.spare("meshApiUser").await,
            "meshapiusers" => "bot".into(),
            "meshtagdefinitions" if deleting => self.spare("meshTagDefinition").await,
            "meshusers" if deleting => self.spare("meshUser").await,
            "meshusers" => "lea".into(),
            "meshtagdefinitions" => "meshProject.stage".into(),
            "meshworkspaceusergroups" => "shop.pickers".into(),
            "meshworkspacebindings" | "meshprojectbindings" if deleting => self.spare(route.about.tag).await,
            "meshworkspacebindings" | "meshprojectbindings" => "bound".into(),
            // Somebody is bound to it.
            "meshprojectroles" => "reader".into(),
            "meshpaymentmethods" if deleting => self.spare("meshPaymentMethod").await,
            "meshpaymentmethods" => "budget".into(),
            "meshcommunicationdefinitions" if deleting => self.spare("meshCommunicationDefinition").await,
            "meshcommunicationdefinitions" => self.duty.clone(),
            "meshcommunications" if deleting => self.spare("meshCommunication").await,
            "meshcommunications" => self.communication.clone(),
            "meshserviceinstances" => "si-1".into(),
            "meshintegrations" => self.integration.clone(),
            "mesheventlogs" => self.event.clone(),
            "meshbuildingblockdefinitions" => self.definition.clone(),
            "meshbuildingblockdefinitionversions" => self.version.clone(),
            "meshbuildingblocks" if route.path.ends_with("/purge") => self.purged.clone(),
            "meshbuildingblocks" => self.block.clone(),
            "meshbuildingblockruns" => self.run.clone(),
            "meshbuildingblockrunners" => self.runner.clone(),
            "meshlocations" => "shop-dc".into(),
            "meshplatformtypes" => "SHOP-TYPE".into(),
            "meshplatforms" if deleting => self.spare("meshPlatform").await,
            "meshplatforms" => self.platform.clone(),
            "meshlandingzones" => "shop-zone".into(),
            "meshtenants" if deleting => self.spare("meshTenant").await,
            "meshtenants" => self.tenant.clone(),
            // Stoa's own endpoints: /api/stoa/v1/platforms/…
            "v1" => match route.path.split('/').nth(4).unwrap_or_default() {
                "platforms" => self.platform.clone(),
                "runs" => self.run.clone(),
                "runners" => self.runner.clone(),
                "definitions" => self.version.clone(),
                "communications" => self.communication.clone(),
                "landingzones" => "shop-zone".into(),
                "tenants" => self.tenant.clone(),
                "accounts" | "users" => "lea".into(),
                "workspaces" => "shop".into(),
                "projects" => "shop.web".into(),
                "resolve" | "objects" | "states" => self.block.clone(),
                "sessions" | "links" | "sign-in" => "none".into(),
                other => panic!("say which of {other} to ask for"),
            },
            other => panic!("say which of {other} to ask for"),
        }
    }

    /// An object that may be deleted; the last one again as long as nobody did.
    async fn spare(&self, kind: &'static str) -> String {
        let mut spares = self.spares.lock().await;
        if let Some(spare) = spares.get(kind)
            && self.admin().get(kind, &format!("/{spare}")).await.status == 200
        {
            return spare.clone();
        }
        let name = format!("s{}", &stoa_base::new_uuid().simple().to_string()[20..]);
        let (body, id) = match kind {
            "meshProject" => (
                json!({ "metadata": { "name": name, "ownedByWorkspace": "shop" }, "spec": { "displayName": "P" } }),
                Some(format!("shop.{name}")),
            ),
            "meshApiKey" => (key_body("shop", &[]), None),
            "meshTagDefinition" => {
                let id = format!("meshProject.{name}");
                let spec = json!({
                    "targetKind": "meshProject", "key": name, "valueType": { "string": {} }, "displayName": "T",
                    "description": "",
                });
                (json!({ "metadata": { "name": id }, "spec": spec }), Some(id))
            }
            "meshPlatform" => (platform_body(&name, "P"), None),
            "meshTenant" => {
                let project = json!({
                    "metadata": { "name": name, "ownedByWorkspace": "shop" }, "spec": { "displayName": "P" },
                });
                self.admin().create("meshProject", &project).await;
                (tenant_body(&name, &self.platform), None)
            }
            "meshPaymentMethod" => (
                json!({ "metadata": { "name": name, "ownedByWorkspace": "shop" }, "spec": { "displayName": "P" } }),
                Some(name),
            ),
            kind if kind.ends_with("Binding") => {
                (binding(kind, &name, ("Workspace Manager", "user")), Some(name))
            }
            "meshCommunicationDefinition" => (duty_body(), None),
            "meshCommunication" => {
                let duty = self.columns[1].create("meshCommunicationDefinition", &duty_body()).await;
                (communication_body(&text(&duty, "/metadata/uuid"), &self.addressed), None)
            }
            "meshApiUser" => {
                (json!({ "metadata": { "name": name }, "spec": { "displayName": "B" } }), Some(name))
            }
            _ => (
                json!({
                    "metadata": { "name": name },
                    "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" },
                }),
                Some(name),
            ),
        };
        // What a team says is the team's.
        let caller = if kind.starts_with("meshCommunication") { &self.columns[1] } else { self.admin() };
        let made = caller.create(kind, &body).await;
        let id = id.unwrap_or_else(|| text(&made, "/metadata/uuid"));
        spares.insert(kind, id.clone());
        id
    }

    /// A body that breaks a rule, so that who is let in changes nothing; or one that says what is so already.
    fn body(&self, route: &Route) -> Value {
        let blank = |metadata: Value, more: Value| {
            let mut body = json!({ "metadata": metadata, "spec": { "displayName": " " } });
            crate::stoa::merge(&mut body["spec"], &more);
            body
        };
        let owned = json!({ "ownedByWorkspace": "shop" });
        match route.about.tag {
            "meshWorkspace" => blank(json!({ "name": "shop" }), json!({})),
            "meshProject" => blank(json!({ "name": "web", "ownedByWorkspace": "shop" }), json!({})),
            "meshApiKey" => blank(owned, json!({ "permissions": [] })),
            "meshApiUser" => blank(json!({ "name": "bot" }), json!({})),
            "meshUser" => {
                blank(json!({ "name": "lea" }), json!({ "email": "none", "firstName": "L", "lastName": "A" }))
            }
            kind if kind.ends_with("Binding") => binding(kind, " ", ("Workspace Member", "reader")),
            "meshProjectRole" => blank(json!({ "name": "reader" }), json!({ "name": " ", "rank": 1 })),
            "meshPaymentMethod" => blank(json!({ "name": "budget", "ownedByWorkspace": "shop" }), json!({})),
            "meshIntegration" => blank(owned, json!({ "config": {} })),
            "meshCommunicationDefinition" => {
                let mut body = duty_body();
                body["spec"]["communication"]["title"] = json!(" ");
                body
            }
            "meshCommunication" if route.path.ends_with("/resolution") => json!({}),
            "meshCommunication" => communication_body(&self.duty, &self.addressed),
            "meshTagDefinition" => blank(
                json!({ "name": "meshProject.stage" }),
                json!({
                    "targetKind": "meshProject", "key": "stage", "valueType": { "string": {} }, "description": "",
                }),
            ),
            "meshBuildingBlockRunner" => {
                blank(owned, json!({ "publicKey": "none", "implementationType": "ALL" }))
            }
            "meshBuildingBlockDefinition" => blank(owned, json!({ "description": "d" })),
            "meshBuildingBlockDefinitionVersion" => {
                let mut body = crate::stoa::version_body("shop", &self.definition);
                body["spec"]["versionNumber"] = json!(99);
                body
            }
            "meshBuildingBlock" if route.path.ends_with("/trigger-run") => json!({}),
            "meshBuildingBlock" => block_body(
                &self.offered,
                "shop",
                json!({ "undeclared": { "value": 1, "isSensitive": false } }),
            ),
            "meshBuildingBlockRun" if route.path.ends_with("/source") => {
                json!({ "source": { "id": "source" }, "steps": [] })
            }
            "meshBuildingBlockRun" if route.path.ends_with("/complete") => json!({ "status": "SUCCEEDED" }),
            "meshBuildingBlockRun" => json!({ "status": "IN_PROGRESS" }),
            "import" if route.method == Method::PUT => json!([]),
            "import" => json!({ "name": "people", "owner": " " }),
            "meshLocation" => blank(json!({ "name": "shop-dc", "ownedByWorkspace": "shop" }), json!({})),
            "meshPlatformType" => blank(
                json!({ "name": "SHOP-TYPE", "ownedByWorkspace": "shop" }),
                json!({ "category": "CUSTOM", "icon": "none" }),
            ),
            "meshPlatform" | "meshLandingZone" | "meshTenant" if route.path.starts_with("/api/stoa/") => {
                json!({})
            }
            "meshTenant" => tenant_body("no", &self.platform),
            "meshPlatform" => platform_body("shop-platform", " "),
            "meshLandingZone" => zone_body(&self.platform, " "),
            "identity" => json!({}),
            // States and their locks.
            _ => json!({ "version": 4, "serial": 1, "lineage": "l", "ID": "lock" }),
        }
    }
}
