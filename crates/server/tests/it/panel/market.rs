//! Ordering through the panel: every type of input, refusals, secrets, and what follows.

use crate::on_both;
use crate::stoa::{Caller, Stoa, input, merge, text, version_body};
use reqwest::Method;
use serde_json::{Value, json};

const SECRET: &str = "hunter2-nobody-sees-this";

/// A released definition with an input of every type; uuids of both.
async fn offered(stoa: &Stoa) -> (String, String) {
    let of = |kind: &str, place: u64, more: Value| {
        let mut whole =
            input(json!({ "type": kind, "displayName": format!("The {kind}"), "displayOrder": place }));
        merge(&mut whole, &more);
        whole
    };
    let choices = json!({ "selectableValues": ["north", "south"] });
    let inputs = json!({
        "name": of("STRING", 0, json!({
            "valueValidationRegex": "[a-z]+", "validationRegexErrorMessage": "Small letters only, please",
            "updateableByConsumer": false,
        })),
        "size": of("INTEGER", 1, json!({ "defaultValue": 10 })),
        "backup": of("BOOLEAN", 2, json!({})),
        "zone": of("SINGLE_SELECT", 3, choices.clone()),
        "zones": of("MULTI_SELECT", 4, choices),
        "labels": of("LIST", 5, json!({})),
        "script": of("CODE", 6, json!({})),
        "license": of("FILE", 7, json!({})),
        "token": of("STRING", 8, json!({ "displayName": "The secret", "isSensitive": true })),
    });
    stoa.definition("demo-partner", json!({ "inputs": inputs })).await
}

const FILLED: [(&str, &str); 9] = [
    ("displayName", "Our bucket"),
    ("in.name", "orchard"),
    ("in.size", "12"),
    ("in.backup", "true"),
    ("in.zone", "south"),
    ("in.zones", "south"),
    ("in.labels", "[\"a\"]"),
    ("in.script", "echo\r\n<b>"),
    ("in.license", "free"),
];

fn with<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let kept = FILLED.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more).copied().collect()
}

async fn team(stoa: &Stoa, role: &str) -> Caller {
    let lea = stoa.person("lea").await;
    stoa.bind("lea", role, "shop").await;
    lea
}

on_both! {
    async fn every_type_of_input_is_ordered_through_the_form(stoa) {
        stoa.workspace("shop").await;
        let (definition, _) = offered(&stoa).await;
        let lea = team(&stoa, "Workspace Manager").await;
        lea.page("/w/shop/market").await.shows(200, &["Definition of demo-partner", "For the workspace"]);
        lea.page("/w/shop/market?level=TENANT_LEVEL").await.shows(200, &["No match"]);
        let entry = format!("/w/shop/market/{definition}");
        lea.page(&entry).await.shows(200, &["For tests", "The CODE", "Order"]);
        let order = format!("{entry}/order");
        lea.page(&order).await.shows(200, &["<stoa-code>", "<stoa-file>", "value=\"10\"", "Secrets are asked for"]).hides(&["in.token"]);

        // What is wrong stands beside the fields, and nothing is lost.
        let wrong = with(&[("step", "review"), ("in.name", "ORCHARD"), ("in.size", "1.5"), ("in.zone", ""), ("in.labels", "a")]);
        lea.submit(&order, &wrong).await.shows(422, &[
            "Small letters only, please", "must be a whole number", "The SINGLE_SELECT is needed", "list in JSON",
            "value=\"ORCHARD\"", "value=\"1.5\"", "echo", "&#60;b&#62;", "Our bucket",
        ]);
        // The last look carries everything, and asks for the secret.
        let review = lea.submit(&order, &with(&[("step", "review")])).await;
        review.shows(200, &["Is this what you want?", "orchard", "south", "name=\"in.script\"", "name=\"in.token\"", "Order now"]);
        lea.submit(&order, &with(&[("step", "form")])).await.shows(200, &["value=\"orchard\"", "Continue"]);
        lea.submit(&order, &with(&[("step", "order")])).await.shows(422, &["The secret is needed"]);
        let twice = with(&[("step", "order"), ("in.token", SECRET), ("in.zones", "east")]);
        lea.submit(&order, &twice).await.shows(422, &["east is not one of the choices"]).hides(&[SECRET]);

        let done = lea.submit(&order, &with(&[("step", "order"), ("in.token", SECRET)])).await;
        let path = done.leads_to().to_owned();
        let block = stoa.admin.block(path.rsplit('/').next().unwrap()).await;
        let given = |key: &str| block["spec"]["inputs"][key]["value"].clone();
        for (key, value) in [
            ("name", json!("orchard")), ("size", json!(12)), ("backup", json!(true)), ("zone", json!("south")),
            ("zones", json!(["south"])), ("labels", json!("[\"a\"]")), ("script", json!("echo\n<b>")),
            ("license", json!("data:text/plain;base64,ZnJlZQ==")),
        ] {
            assert_eq!(given(key), value, "{key}");
        }
        assert!(given("token")["hash"].is_string());
        assert_eq!(text(&block, "/spec/displayName"), "Our bucket");

        // The block's own pages; the secret is on none of them.
        lea.page(&path).await.shows(200, &["Our bucket", "Pending", "waits for a runner"]).hides(&[SECRET]);
        lea.page(&format!("{path}/inputs")).await.shows(200, &["set, and never shown", "Save and run"]).hides(&[SECRET, "name=\"in.name\""]);
        lea.page("/w/shop/blocks").await.shows(200, &["Our bucket", "Version 1"]);
        for tail in ["/runs", "/deps", "/events", "/upgrade", "/deletion"] {
            lea.page(&format!("{path}{tail}")).await.shows(200, &["Our bucket"]).hides(&[SECRET]);
        }
        lea.submit(&format!("{path}/deletion"), &[]).await;
        lea.page(&path).await.shows(200, &["Our bucket"]);
    }

    async fn an_order_is_previewed_and_then_applied_or_discarded(stoa) {
        stoa.workspace("shop").await;
        let (definition, _) = offered(&stoa).await;
        let lea = team(&stoa, "Workspace Manager").await;
        let order = format!("/w/shop/market/{definition}/order");
        // Whoever does not see runs would see no plan either.
        lea.submit(&order, &with(&[("step", "review")])).await.shows(200, &["Order now"]).hides(&["Preview changes first"]);
        let send = with(&[("step", "preview"), ("in.token", SECRET)]);
        lea.submit(&order, &send).await.shows(403, &["operator only"]);
        let kind = "meshBuildingBlockDefinition";
        let mut body = stoa.admin.get(kind, &format!("/{definition}")).await.expect(200);
        body["spec"]["runTransparency"] = json!(true);
        stoa.admin.put(kind, &format!("/{definition}"), &body).await.expect(200);
        lea.submit(&order, &with(&[("step", "review")])).await.shows(200, &["Preview changes first", "value=\"preview\""]);
        lea.submit(&order, &with(&[("step", "preview")])).await.shows(422, &["The secret is needed", "Preview changes first"]);

        let done = lea.submit(&order, &send).await;
        assert!(done.said().contains("looked at first"), "{}", done.said());
        let path = done.leads_to().to_owned();
        let waits = ["Waiting for approval", "Nothing happens before somebody applies", "Discard"];
        lea.page(&path).await.shows(200, &waits).hides(&["Apply this plan", SECRET]);
        let plan = |text: &str| json!({
            "status": "SUCCEEDED", "artifact": "cGxhbg==", "changesDetected": true,
            "steps": [{ "id": "plan", "displayName": "Plan", "status": "SUCCEEDED", "systemMessage": text }],
        });
        stoa.claim().await.tell(plan("1 bucket to add\n")).await;
        let there = ["Nothing is set up yet", "Apply this plan", "Discard", "Preview again", "1 bucket to add", "found changes"];
        lea.page(&path).await.shows(200, &there).hides(&["Run again", SECRET]);
        // Other inputs are another order.
        let inputs = format!("{path}/inputs");
        lea.page(&inputs).await.shows(200, &["Save and preview"]);
        let saved = lea.submit(&inputs, &with(&[("in.size", "13")])).await;
        assert!(saved.said().contains("Another preview"), "{}", saved.said());
        assert_eq!(saved.leads_to(), path);
        lea.page(&path).await.shows(200, &["A dry run finds out"]).hides(&["Apply this plan"]);
        let run = stoa.claim().await;
        run.tell(plan("13 GiB to add\n")).await;
        let applied = lea.submit(&format!("/w/shop/runs/{}/again", run.id), &[("what", "plan")]).await;
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["behavior"], "APPLY");
        assert_eq!(applied.leads_to(), format!("/w/shop/runs/{}", run.id));
        run.end("SUCCEEDED").await;
        lea.page(&path).await.shows(200, &["Our bucket"]).hides(&["Discard", "Apply this plan"]);

        let path = lea.submit(&order, &send).await.leads_to().to_owned();
        stoa.claim().await.end("FAILED").await;
        lea.page(&path).await.shows(200, &["there is no plan to apply", "Preview again", "Discard"]);
        let end = format!("{path}/deletion");
        lea.page(&end).await.shows(200, &["nothing is taken down"]);
        let gone = lea.submit(&end, &[("discard", "true")]).await;
        assert!(gone.said().contains("Nothing had been set up"), "{}", gone.said());
        lea.page(gone.leads_to()).await.shows(200, &["It is gone"]).hides(&["Preview again"]);
    }

    async fn what_opentofu_does_not_make_is_ordered_without_a_preview(stoa) {
        stoa.workspace("shop").await;
        let manual = json!({ "implementation": { "type": "manual", "terraform": null } });
        let (definition, _) = stoa.definition("shop", manual).await;
        let lea = team(&stoa, "Workspace Manager").await;
        let order = format!("/w/shop/market/{definition}/order");
        let fields = |step| [("displayName", "By hand"), ("step", step)];
        lea.submit(&order, &fields("review")).await.shows(200, &["Order now"]).hides(&["Preview changes first"]);
        lea.submit(&order, &fields("preview")).await.shows(422, &["firstRun", "By hand"]);
    }

    async fn a_form_is_looked_at_without_anything_happening(stoa) {
        stoa.workspace("shop").await;
        let (definition, _) = offered(&stoa).await;
        let lea = team(&stoa, "Workspace Manager").await;
        let order = format!("/w/shop/market/{definition}/order");
        let wrong = with(&[("step", "review"), ("in.name", "ORCHARD")]);
        lea.look_at(&order, "in.name", &wrong).await.shows(422, &["Small letters only, please"]);
        lea.look_at(&order, "in.name", &with(&[("step", "review")])).await.shows(200, &[]).hides(&["Small letters"]);
        // Not even when everything is there.
        let whole = with(&[("step", "order"), ("in.token", SECRET)]);
        lea.look_at(&order, "in.name", &whole).await.shows(422, &[]).hides(&[SECRET]);
        assert!(stoa.admin.list("meshBuildingBlock", "").await.is_empty());
        lea.submit(&order, &whole).await.leads_to();
    }

    async fn cards_are_narrowed_by_tags(stoa) {
        stoa.workspace("shop").await;
        let kinds = json!({ "singleSelect": { "options": ["Data", "Network"] } });
        stoa.tag("meshBuildingBlockDefinition", "category", kinds, &[]).await;
        let (definition, _) = offered(&stoa).await;
        let lea = team(&stoa, "Workspace Manager").await;
        let mut whole = stoa.admin.get("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(200);
        whole["metadata"]["tags"] = json!({ "category": ["Data"] });
        stoa.admin.put("meshBuildingBlockDefinition", &format!("/{definition}"), &whole).await.expect(200);
        let page = lea.page("/w/shop/market").await.shows(200, &["Definition of demo-partner", "category", "tag=category%3AData"]);
        assert!(page.text.contains("tag=category%3ANetwork"));
        lea.page("/w/shop/market?tag=category%3AData").await.shows(200, &["Definition of demo-partner", "aria-current"]);
        lea.page("/w/shop/market?tag=category%3ANetwork").await.shows(200, &["No match"]);
    }

    async fn a_run_is_followed_by_right(stoa) {
        stoa.workspace("shop").await;
        let outputs = json!({
            "url": { "displayName": "Console", "type": "STRING", "assignmentType": "RESOURCE_URL" },
            "bad": { "displayName": "Trap", "type": "STRING", "assignmentType": "RESOURCE_URL" },
            "text": { "displayName": "Help", "type": "STRING", "assignmentType": "SUMMARY" },
        });
        let (definition, version) = stoa.definition("demo-partner", json!({ "outputs": outputs })).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        let claimed = stoa.claim().await;
        let log = "<script>alert(1)</script>\n\u{1b}[31mred\u{1b}[0m\n";
        let report = |status: &str, more: Value| {
            let mut step = json!({ "id": "apply", "displayName": "Apply", "status": status, "systemMessage": log, "userMessage": "Nearly <b>there</b>" });
            merge(&mut step, &more);
            json!({ "status": status, "steps": [step] })
        };
        claimed.runner.report(&claimed.id, "r", &report("IN_PROGRESS", json!({}))).await.expect(200);
        let lea = team(&stoa, "Workspace Owner").await;
        let page = format!("/w/shop/b/{block}/runs/{}", claimed.id);
        // Without transparency a consumer sees steps and what is meant for them.
        lea.page(&page).await.shows(200, &["Apply", "In progress", "Nearly &#60;b&#62;"]).hides(&["alert(1)", "/abort\""]);
        assert_eq!(lea.page(&format!("/w/shop/runs/{}", claimed.id)).await.leads_to(), page);
        let shown = stoa.admin.get("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(200);
        let mut open = json!({ "metadata": { "ownedByWorkspace": "demo-partner" }, "spec": shown["spec"] });
        open["spec"]["runTransparency"] = json!(true);
        stoa.admin.put("meshBuildingBlockDefinition", &format!("/{definition}"), &open).await.expect(200);
        lea.page(&page).await.shows(200, &["&#60;script&#62;alert(1)"]).hides(&["<script>alert"]);
        let file = lea.page(&format!("/w/shop/runs/{}/log", claimed.id)).await;
        assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
        assert!(file.text.contains("== Apply [IN_PROGRESS]") && file.text.contains("alert(1)"));
        assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));

        let end = json!({ "outputs": {
            "url": { "value": "https://console.example/7", "type": "STRING" },
            "bad": { "value": "javascript:alert(2)", "type": "STRING" },
            "text": { "value": "# Hello\n<img src=x onerror=alert(3)>", "type": "STRING" },
        } });
        claimed.runner.report(&claimed.id, "r", &report("SUCCEEDED", end)).await.expect(200);
        let stream = lea.page(&format!("/w/shop/runs/{}/stream", claimed.id)).await;
        assert_eq!(stream.headers["content-type"], "text/event-stream");
        assert!(stream.text.contains("event: step") && stream.text.contains("event: end"), "{}", stream.text);
        let summary = lea.page(&format!("/w/shop/b/{block}")).await;
        summary.shows(200, &["href=\"https://console.example/7\"", "<h3>Hello</h3>", "javascript:alert(2)"])
            .hides(&["href=\"javascript", "<img src=x", "href=\"data:"]);
        // Consumers of a transparent service run it again.
        let again = lea.submit(&format!("/w/shop/b/{block}/run"), &[]).await;
        assert!(again.leads_to().starts_with(&format!("/w/shop/b/{block}/runs/")), "{}", again.leads_to());
        // A stranger sees nothing of it.
        let max = stoa.person("max").await;
        assert_eq!(max.page(&page).await.status, 403);
        assert_eq!(max.page(&format!("/w/shop/runs/{}/stream", claimed.id)).await.status, 403);
    }

    async fn members_order_for_their_projects_only(stoa) {
        stoa.workspace("shop").await;
        let (definition, _) = offered(&stoa).await;
        let lea = team(&stoa, "Workspace Member").await;
        let entry = format!("/w/shop/market/{definition}");
        lea.page(&entry).await.shows(200, &["ordered by its Owners and Managers"]).hides(&["/order\""]);
        assert_eq!(lea.page(&format!("{entry}/order")).await.status, 403);
        assert_eq!(lea.submit(&format!("{entry}/order"), &with(&[("step", "order"), ("in.token", SECRET)])).await.status, 403);
        let forged = lea.raw(Method::POST, &format!("{entry}/order"), |request| {
            request.header("content-type", "application/x-www-form-urlencoded").body("csrf=no")
        }).await;
        assert_eq!(forged.status, 403);
    }

    async fn an_upgrade_says_what_differs_and_asks_for_the_rest(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({ "inputs": { "a": input(json!({ "displayName": "Alpha" })) } })).await;
        let inputs = json!({ "a": { "value": "x" } });
        let block = text(&stoa.order(&stoa.admin, &version, "shop", inputs).await, "/metadata/uuid");
        let claimed = stoa.claim().await;
        claimed.runner.report(&claimed.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        let lea = team(&stoa, "Workspace Manager").await;
        let path = format!("/w/shop/b/{block}/upgrade");
        lea.page(&path).await.shows(200, &["You have the latest version"]);
        let mut second = version_body("demo-partner", &definition);
        second["spec"]["state"] = json!("RELEASED");
        second["spec"]["inputs"] = json!({ "b": input(json!({ "displayName": "Beta" })) });
        stoa.admin.create("meshBuildingBlockDefinitionVersion", &second).await;
        lea.page(&format!("/w/shop/b/{block}")).await.shows(200, &["Version 2 is there"]);
        lea.page(&path).await.shows(200, &["Alpha", "gone", "Beta", "new", "name=\"in.b\""]);
        lea.submit(&path, &[]).await.shows(422, &["Beta is needed"]);
        assert_eq!(lea.submit(&path, &[("in.b", "y")]).await.leads_to(), format!("/w/shop/b/{block}"));
        let now = stoa.admin.block(&block).await;
        assert_eq!(now["spec"]["inputs"]["b"]["value"], json!("y"));
        // Inputs that stay open are changed by a form too.
        let claimed = stoa.claim().await;
        claimed.runner.report(&claimed.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        let form = [("displayName", "Renamed"), ("in.b", "z")];
        let saved = lea.submit(&format!("/w/shop/b/{block}/inputs"), &form).await;
        assert_eq!(saved.leads_to(), format!("/w/shop/b/{block}"));
        assert!(saved.said().contains("A run was started"), "{}", saved.said());
        let now = stoa.admin.block(&block).await;
        assert_eq!((text(&now, "/spec/displayName"), now["spec"]["inputs"]["b"]["value"].clone()), ("Renamed".into(), json!("z")));
    }
}
