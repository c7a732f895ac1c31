//! The platform builder: what a team does there from nothing to an order, and what administrators do.

use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, block_body, text};
use reqwest::Method;
use serde_json::json;

const DEFINITION: &str = "meshBuildingBlockDefinition";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

/// A page that is there.
async fn shown(caller: &Caller, path: &str) -> String {
    caller.page(path).await.shows(200, &[]).text
}

/// A form that is sent.
async fn send(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> Answer {
    caller.submit(path, fields).await
}

/// A form that is taken: where the browser goes next.
#[track_caller]
fn taken(answer: &Answer) -> String {
    answer.leads_to().to_owned()
}

/// Somebody who owns a workspace with the platform builder.
async fn builder(stoa: &Stoa) -> Caller {
    let body = json!({
        "metadata": { "name": "shop", "tags": {} },
        "spec": { "displayName": "Shop", "platformBuilderAccessEnabled": true },
    });
    stoa.admin.create("meshWorkspace", &body).await;
    let lea = stoa.person("lea").await;
    stoa.bind("lea", "Workspace Owner", "shop").await;
    lea
}

/// A definition that the pages made; its path and uuid.
async fn defined(lea: &Caller) -> (String, String) {
    let fields =
        [("displayName", "Postgres schema"), ("description", "A schema"), ("targetType", "WORKSPACE_LEVEL")];
    let next = taken(&send(lea, "/w/shop/build/definitions", &fields).await);
    let at = next.strip_suffix("/implementation").unwrap().to_owned();
    let uuid = at.rsplit('/').next().unwrap().to_owned();
    (at, uuid)
}

const INPUT: [(&str, &str); 6] = [
    ("key", "schema"),
    ("displayName", "Name of the schema"),
    ("type", "STRING"),
    ("source", "USER_INPUT"),
    ("regex", "[a-z]+"),
    ("seen", ""),
];

on_both! {
    async fn a_definition_is_made_reviewed_and_ordered(stoa) {
        let lea = builder(&stoa).await;
        assert!(shown(&lea, "/w/shop/build/definitions").await.contains("Offer your first building block"));
        let (at, uuid) = defined(&lea).await;
        let mut input = INPUT.to_vec();
        let form = shown(&lea, &format!("{at}/inputs/new")).await;
        let seen = form.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        input.retain(|(name, _)| *name != "seen");
        input.push(("seen", &seen));
        taken(&send(&lea, &format!("{at}/inputs/new"), &input).await);
        assert!(shown(&lea, &format!("{at}/inputs")).await.contains("Name of the schema"));
        // Releasing says first that it is for good.
        let hasty = send(&lea, &format!("{at}/publication"), &[("do", "release")]).await;
        assert_eq!(hasty.status, 422);
        taken(&send(&lea, &format!("{at}/publication"), &[("do", "release"), ("sure", "on")]).await);
        assert!(shown(&lea, &format!("{at}/publication")).await.contains("waits for a review"));
        assert!(shown(&lea, "/w/shop/build/definitions").await.contains("In review"));
        // Whoever takes it back may change it, and asks again.
        taken(&send(&lea, &format!("{at}/publication"), &[("do", "withdraw")]).await);
        taken(&send(&lea, &format!("{at}/publication"), &[("do", "release"), ("sure", "on")]).await);

        let root = stoa.first_admin().await;
        let queue = shown(&root, "/admin/reviews").await;
        assert!(queue.contains("Postgres schema"));
        let version = text(&lea.within("shop").get(DEFINITION, &format!("/{uuid}")).await.expect(200), "/status/latestVersionUuid");
        let review = format!("/admin/reviews/versions/{version}");
        assert!(shown(&root, &review).await.contains("Name of the schema"));
        assert_eq!(send(&root, &review, &[("do", "reject"), ("comment", "")]).await.status, 422);
        taken(&send(&root, &review, &[("do", "reject"), ("comment", "Say what it costs")]).await);
        assert!(shown(&lea, &format!("{at}/publication")).await.contains("Say what it costs"));
        taken(&send(&lea, &format!("{at}/publication"), &[("do", "release"), ("sure", "on")]).await);
        taken(&send(&root, &review, &[("do", "approve"), ("comment", "")]).await);
        assert!(shown(&root, "/admin/reviews").await.contains("Nothing waits for a review"));

        // A released version takes no more changes, and says so.
        let late = send(&lea, &format!("{at}/inputs"), &[("do", "remove:schema")]).await;
        taken(&late);
        assert!(late.headers["set-cookie"].to_str().unwrap().contains("bad"));
        let block = block_body(&version, "shop", json!({ "schema": { "value": "orders", "isSensitive": false } }));
        let block = lea.within("shop").create("meshBuildingBlock", &block).await;
        let block = text(&block, "/metadata/uuid");
        stoa.admin.until("meshBuildingBlock", &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        assert!(shown(&lea, "/w/shop/build/blocks").await.contains("a block"));
        assert!(shown(&lea, &format!("/w/shop/build/blocks/{block}")).await.contains("orders"));
        let runs = lea.within("shop").list("meshBuildingBlockRun", &format!("?buildingBlockUuid={block}")).await;
        let run = text(&runs[0], "/metadata/uuid");
        let followed = shown(&lea, &format!("/w/shop/build/runs/{run}")).await;
        assert!(followed.contains("Succeeded"));
        assert!(followed.contains(&format!("src=\"/w/shop/runs/{run}/stream\"")), "it is followed live");

        // The next version goes live at once; blocks are upgraded by hand.
        taken(&send(&lea, &format!("{at}/versions"), &[("do", "draft")]).await);
        taken(&send(&lea, &format!("{at}/publication"), &[("do", "release"), ("sure", "on")]).await);
        assert!(shown(&lea, &format!("{at}/blocks")).await.contains("outdated"));
        let chosen = [("do", "preview"), ("block", block.as_str())];
        let preview = send(&lea, &format!("{at}/blocks"), &chosen).await;
        assert!(preview.text.contains("1 → 2"), "{}", preview.text);
        taken(&send(&lea, &format!("{at}/blocks"), &[("do", "upgrade"), ("block", &block)]).await);
        let upgraded = lea.within("shop").get("meshBuildingBlock", &format!("/{block}")).await.expect(200);
        assert_ne!(text(&upgraded, "/spec/buildingBlockDefinitionVersionRef/uuid"), version);
        assert!(shown(&lea, &format!("{at}/versions/compare?a=1&b=2")).await.contains("Nothing differs"));
    }

    async fn refused_forms_keep_what_was_typed_and_no_secret_comes_back(stoa) {
        let lea = builder(&stoa).await;
        let blank = send(&lea, "/w/shop/build/definitions", &[
            ("displayName", ""), ("description", "Nice & <small>"), ("targetType", "WORKSPACE_LEVEL"),
        ]).await;
        assert_eq!(blank.status, 422);
        assert!(blank.text.contains("Nice &#38; &#60;small&#62;") || blank.text.contains("Nice &amp; &lt;small&gt;"));
        let (at, uuid) = defined(&lea).await;
        let secret = "-----BEGIN KEY-----\r\nhunter2\r\n-----END KEY-----";
        let mut fields = vec![
            ("type", "terraform"), ("terraformVersion", "1.9.0"), ("repositoryUrl", "git@git.fruit.example:x.git"),
            ("sshPrivateKey", secret), ("deletionMode", "DELETE"), ("useMeshHttpBackendFallback", "on"),
            ("runner", "98520496-627d-43e6-82da-ce499179ff3f"), ("permissions", "NO_SUCH"), ("do", "save"),
        ];
        let refused = send(&lea, &format!("{at}/implementation"), &fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("NO_SUCH") && refused.text.contains("git@git.fruit.example:x.git"));
        assert!(!refused.text.contains("hunter2"));
        fields.retain(|(name, _)| *name != "permissions");
        taken(&send(&lea, &format!("{at}/implementation"), &fields).await);
        let page = shown(&lea, &format!("{at}/implementation")).await;
        assert!(page.contains("One is stored") && !page.contains("hunter2"));
        // Left empty, the key stays.
        let version = text(&lea.within("shop").get(DEFINITION, &format!("/{uuid}")).await.expect(200), "/status/latestVersionUuid");
        let key = || async {
            let found = lea.within("shop").get(VERSION, &format!("/{version}")).await.expect(200);
            text(&found, "/spec/implementation/terraform/sshPrivateKey/hash")
        };
        let before = key().await;
        fields.retain(|(name, _)| *name != "sshPrivateKey" && *name != "repositoryUrl");
        fields.push(("repositoryUrl", "git@git.fruit.example:y.git"));
        taken(&send(&lea, &format!("{at}/implementation"), &fields).await);
        assert_eq!(key().await, before);
        // A form that was opened before somebody else's change is not put over it unasked.
        fields.push(("seen", "0123456789abcdef"));
        let stale = send(&lea, &format!("{at}/implementation"), &fields).await;
        assert_eq!(stale.status, 422);
        assert!(stale.text.contains("Somebody changed this") && stale.text.contains("y.git"));
        // SSH repositories are the runner's; the server says so instead of guessing.
        let check = send(&lea, &format!("{at}/check"), &[("do", "check")]).await;
        assert!(check.text.contains("Only the runner can tell"), "{}", check.text);
        // Variables of a module become inputs.
        let code = "variable \"region\" {\n  type = string\n  default = \"eu\"\n}\n";
        let read = send(&lea, &format!("{at}/inputs/code"), &[("do", "read"), ("text", code)]).await;
        assert!(read.text.contains("region"));
        taken(&send(&lea, &format!("{at}/inputs/code"), &[("do", "take"), ("text", code), ("take", "region")]).await);
        assert!(shown(&lea, &format!("{at}/inputs/region")).await.contains(">eu</textarea>"));
        // A form without the proof of its session does nothing.
        let mut stranger = lea.clone();
        stranger.session = lea.session.clone().map(|(cookie, _)| (cookie, "forged".into()));
        assert_eq!(send(&stranger, &format!("{at}/danger"), &[("do", "delete"), ("sure", "on")]).await.status, 403);
    }

    async fn a_platform_is_added_and_published(stoa) {
        let lea = builder(&stoa).await;
        let icon = "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>";
        let kind = [("displayName", "Data"), ("name", "DATA"), ("icon", icon)];
        taken(&send(&lea, "/w/shop/build/types", &kind).await);
        let platform = [
            ("type", "DATA"), ("displayName", "Data platform"), ("name", "data"), ("location", "global"),
            ("description", ""), ("endpoint", ""),
        ];
        let at = taken(&send(&lea, "/w/shop/build/platforms", &platform).await);
        assert!(shown(&lea, &at).await.contains("On the way to the marketplace"));
        for tab in ["config", "zones", "tenants", "quotas", "access", "publication", "test", "danger"] {
            shown(&lea, &format!("{at}/{tab}")).await;
        }
        let quota = [
            ("quotaKey", "cpu"), ("label", "CPU"), ("minValue", "1"), ("maxValue", "0"), ("autoApprovalThreshold", ""),
        ];
        assert_eq!(send(&lea, &format!("{at}/quotas"), &quota).await.status, 422);
        let quota = [("quotaKey", "cpu"), ("label", "CPU"), ("minValue", "1"), ("maxValue", "9")];
        taken(&send(&lea, &format!("{at}/quotas"), &quota).await);
        // A platform that nobody could use is not submitted, and the message stays in the form.
        let early = send(&lea, &format!("{at}/publication"), &[("do", "submit"), ("message", "Have a look")]).await;
        assert_eq!(early.status, 422);
        assert!(early.text.contains("landing zone") && early.text.contains("Have a look"));
        let uuid = at.rsplit('/').next().unwrap().to_owned();
        let zone = [("platform", uuid.as_str()), ("displayName", "Standard"), ("name", "data-standard"), ("description", "")];
        let zone = taken(&send(&lea, "/w/shop/build/landing-zones", &zone).await);
        taken(&send(&lea, &zone, &[("displayName", "Standard"), ("description", "x"), ("quota.cpu", "4"), ("do", "save")]).await);
        assert!(shown(&lea, &zone).await.contains("value=\"4\""));
        taken(&send(&lea, &zone, &[("do", "disable")]).await);
        assert!(shown(&lea, &zone).await.contains("It is disabled"));
        taken(&send(&lea, &zone, &[("do", "enable")]).await);
        taken(&send(&lea, &format!("{at}/test"), &[("do", "test")]).await);
        assert!(shown(&lea, &format!("{at}/test")).await.contains("TYPE_ACTIVE"));
        // The name has to be typed to delete it.
        assert_eq!(send(&lea, &format!("{at}/danger"), &[("do", "delete"), ("identifier", "data")]).await.status, 422);
        taken(&send(&lea, &format!("{at}/danger"), &[("do", "delete"), ("identifier", "data.global")]).await);
        assert_eq!(lea.page(&at).await.status, 404);
    }

    async fn pages_show_what_one_may_see(stoa) {
        let lea = builder(&stoa).await;
        let (at, _) = defined(&lea).await;
        let lists = [
            "", "/definitions", "/definitions/new", "/blocks", "/runs", "/runners", "/runners/new", "/integrations",
            "/integrations/new?type=gitlab", "/platforms", "/platforms/new", "/landing-zones", "/landing-zones/new",
            "/types", "/types/new", "/tenants", "/deletions", "/quotas",
        ];
        for list in lists {
            shown(&lea, &format!("/w/shop/build{list}")).await;
        }
        for tab in ["", "/implementation", "/inputs", "/outputs", "/dependencies", "/tags", "/versions", "/publication",
            "/blocks", "/events", "/danger", "/implementation?type=githubWorkflows", "/implementation?type=gitlabPipeline"] {
            shown(&lea, &format!("{at}{tab}")).await;
        }
        let root = stoa.first_admin().await;
        for list in lists.iter().filter(|list| !list.is_empty()) {
            let text = shown(&root, &format!("/admin{list}")).await;
            assert_eq!(list == &"/definitions", text.contains("Owned by") && text.contains("Postgres schema"), "{list}");
        }
        // Members look, and change nothing.
        let max = stoa.person("max").await;
        stoa.bind("max", "Workspace Member", "shop").await;
        let locked = shown(&max, &at).await;
        assert!(locked.contains("disabled") && !locked.contains(">Save</button>"));
        let refused = send(&max, &at, &[("displayName", "Mine"), ("description", "x")]).await;
        assert_eq!(refused.status, 403);
        // Without the platform builder there is no such area.
        stoa.workspace("till").await;
        stoa.bind("lea", "Workspace Owner", "till").await;
        assert_eq!(lea.page("/w/till/build/definitions").await.status, 403);
        assert_eq!(lea.page("/admin/definitions").await.status, 403);
        let nobody = stoa.nobody();
        let away = nobody.raw(Method::GET, &at, |request| request).await;
        assert_eq!(away.status, 303);
    }
}
