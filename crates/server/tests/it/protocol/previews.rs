//! Orders whose first run is a dry run: nothing is applied before somebody says so, and what was not applied is
//! discarded without a trace outside (`block::preview`; `panel.md` §6).

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, block_body, input, text, version_body};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const BLOCK: &str = "meshBuildingBlock";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";
const LOOK: &str = "?firstRun=DETECT";

/// A definition whose runs its consumers see, with this change to its version; uuids of both.
async fn offered(stoa: &Stoa, change: Value) -> (String, String) {
    let (definition, version) = stoa.definition("demo-partner", change).await;
    let kind = "meshBuildingBlockDefinition";
    let mut body = stoa.admin.get(kind, &format!("/{definition}")).await.expect(200);
    body["spec"]["runTransparency"] = json!(true);
    stoa.admin.put(kind, &format!("/{definition}"), &body).await.expect(200);
    (definition, version)
}

/// A workspace, and whoever orders in it.
async fn team(stoa: &Stoa) -> Caller {
    stoa.workspace("shop").await;
    stoa.key("shop", &["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_DELETE"]).await
}

async fn ordered(caller: &Caller, version: &str, inputs: Value) -> String {
    let block = caller.post(BLOCK, LOOK, &block_body(version, "shop", inputs)).await.expect(201);
    assert_eq!(block["status"]["isPreview"], true);
    text(&block, "/metadata/uuid")
}

async fn plans(run: &Claimed, content: &str) {
    let plan = STANDARD.encode(content);
    run.tell(json!({ "status": "SUCCEEDED", "artifact": plan, "changesDetected": true })).await;
}

/// The order as it was looked at, with its plan; uuids of block and run.
async fn looked_at(stoa: &Stoa, caller: &Caller, version: &str, inputs: Value) -> (String, String) {
    let block = ordered(caller, version, inputs).await;
    let run = stoa.claim().await;
    assert_eq!(run.run["spec"]["behavior"], "DETECT");
    plans(&run, "the plan").await;
    (block, run.id)
}

async fn apply(caller: &Caller, block: &str) -> Answer {
    caller.act(BLOCK, &format!("/{block}/approve-run")).await
}

async fn look_again(caller: &Caller, block: &str) -> Answer {
    caller.post(BLOCK, &format!("/{block}/trigger-run"), &json!({ "dryRun": true })).await
}

/// Status, and what is waited for.
async fn waits(caller: &Caller, block: &str) -> (String, String) {
    let found = caller.block(block).await;
    (text(&found, "/status/status"), text(&found, "/status/waiting/reason"))
}

fn approval(reason: &str) -> (String, String) {
    ("WAITING_FOR_APPROVAL".into(), reason.into())
}

async fn changed(caller: &Caller, block: &str, key: &str, value: &str) -> Answer {
    let mut body = caller.block(block).await;
    body["spec"]["inputs"] = json!({ key: { "value": value } });
    caller.put(BLOCK, &format!("/{block}"), &body).await
}

async fn digest(caller: &Caller, run: &str) -> Value {
    caller.raw(Method::GET, &format!("/api/stoa/v1/runs/{run}"), |r| r).await.expect(200)
}

fn name() -> Value {
    json!({ "inputs": { "name": input(json!({})) } })
}

fn called(name: &str) -> Value {
    json!({ "name": { "value": name } })
}

on_both! {
    async fn an_order_is_looked_at_and_then_applied_by_whoever_ordered_it(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, json!({ "outputs": { "url": { "displayName": "URL", "type": "STRING" } } })).await;
        let block = ordered(&shop, &version, json!({})).await;
        assert_eq!(waits(&shop, &block).await, approval("RUN_QUEUED"));
        apply(&shop, &block).await.refused(409, "no dry run with a saved plan");
        look_again(&shop, &block).await.refused(409, "under way");

        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["behavior"], "DETECT");
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_CREATION");
        assert_eq!(waits(&shop, &block).await, approval("RUN_IN_PROGRESS"));
        assert!(shop.block(&block).await["status"]["waiting"]["nextLook"].is_string());
        let seen = digest(&shop, &run.id).await;
        assert_eq!((&seen["may"]["applyPlan"], &seen["may"]["discard"]), (&json!(false), &json!(true)));
        plans(&run, "the plan").await;

        assert_eq!(waits(&shop, &block).await, approval("PLAN_UNDECIDED"));
        let found = shop.block(&block).await;
        let who = text(&found, "/status/waiting/who");
        assert!(who.contains("workspace shop") && who.contains("demo-partner"), "{who}");
        assert_eq!(found["status"]["latestDryRunUuid"], json!(run.id));
        assert_eq!(found["status"]["latestRunUuid"], Value::Null);
        let seen = digest(&shop, &run.id).await;
        assert_eq!((&seen["may"]["applyPlan"], &seen["may"]["discard"]), (&json!(true), &json!(true)));
        assert_eq!(seen["buildingBlock"]["isPreview"], true);
        assert!(stoa.admin.claim_for(crate::stoa::SHARED).await.is_none(), "nothing runs before somebody says so");

        apply(&shop, &block).await.expect(202);
        let found = shop.block(&block).await;
        assert_eq!((&found["status"]["status"], &found["status"]["isPreview"]), (&json!("PENDING"), &Value::Null));
        let applied = stoa.claim().await;
        assert_eq!(applied.run["spec"]["behavior"], "APPLY");
        assert_eq!(applied.run["spec"]["trigger"]["reason"], "PREFLIGHT_SUCCEEDED");
        assert!(applied.run["_links"]["planArtifact"]["href"].is_string());
        applied.deliver(json!({ "url": "https://x" })).await;
        let found = shop.block(&block).await;
        assert_eq!(found["status"]["status"], "SUCCEEDED");
        assert_eq!(found["status"]["outputs"]["url"]["value"], "https://x");
        // From here on it is a block like any other: it is taken down by a run.
        shop.delete(BLOCK, &format!("/{block}")).await.expect(202);
        assert_eq!(stoa.claim().await.run["spec"]["behavior"], "DESTROY");
    }

    async fn what_cannot_be_looked_at_is_not_ordered(stoa) {
        let shop = team(&stoa).await;
        let manual = json!({ "implementation": { "type": "manual", "terraform": null } });
        let (_, by_hand) = offered(&stoa, manual).await;
        shop.post(BLOCK, LOOK, &block_body(&by_hand, "shop", json!({}))).await.refused(400, "firstRun");
        let (_, version) = offered(&stoa, json!({})).await;
        let body = block_body(&version, "shop", json!({}));
        shop.post(BLOCK, "?firstRun=DESTROY", &body).await.refused(400, "knows APPLY and DETECT");
        let reader = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        reader.post(BLOCK, LOOK, &body).await.refused(403, "");
        let (_, closed) = stoa.definition("demo-partner", json!({})).await;
        shop.post(BLOCK, LOOK, &block_body(&closed, "shop", json!({}))).await.refused(403, "operator only");
        assert_eq!(shop.list(BLOCK, "").await.len(), 0);
        // The operator may look at it, and decides.
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE"]).await;
        operator.post(BLOCK, LOOK, &block_body(&closed, "shop", json!({}))).await.expect(201);
        let block = shop.post(BLOCK, "?firstRun=APPLY", &body).await.expect(201);
        assert_eq!(block["status"]["status"], "PENDING");
    }

    async fn only_who_may_order_decides(stoa) {
        let shop = team(&stoa).await;
        stoa.workspace("press").await;
        let (_, version) = offered(&stoa, json!({})).await;
        let (block, run) = looked_at(&stoa, &shop, &version, json!({})).await;
        let reader = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let stranger = stoa.key("press", &["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_DELETE"]).await;
        for other in [&reader, &stranger] {
            apply(other, &block).await.refused(403, "");
            look_again(other, &block).await.refused(403, "");
            other.trigger(&block).await.refused(403, "");
            other.delete(BLOCK, &format!("/{block}")).await.refused(403, "");
        }
        let may = &digest(&reader, &run).await["may"];
        assert_eq!((&may["applyPlan"], &may["discard"]), (&json!(false), &json!(false)));
        assert_eq!(waits(&shop, &block).await, approval("PLAN_UNDECIDED"));
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE"]).await;
        apply(&operator, &block).await.expect(202);
    }

    async fn a_discarded_order_takes_nothing_down(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, json!({})).await;
        let (block, run) = looked_at(&stoa, &shop, &version, json!({})).await;
        shop.delete(BLOCK, &format!("/{block}")).await.expect(202);
        let found = shop.block(&block).await;
        assert_eq!(found["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(shop.runs(&block).await.len(), 1, "no run took it down");
        let may = &digest(&shop, &run).await["may"];
        assert_eq!((&may["applyPlan"], &may["discard"]), (&json!(false), &json!(false)));
        apply(&shop, &block).await.refused(409, "gone");
        look_again(&shop, &block).await.refused(409, "gone");

        // Also while somebody still looks: whoever does is told to stop.
        let block = ordered(&shop, &version, json!({})).await;
        let run = stoa.claim().await;
        shop.delete(BLOCK, &format!("/{block}")).await.expect(202);
        assert_eq!(shop.block(&block).await["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(stoa.admin.status_of(&run.id).await, "ABORTED");
        assert!(run.aborted_after(&json!({ "status": "IN_PROGRESS" })).await);
        assert!(stoa.admin.claim_for(crate::stoa::SHARED).await.is_none());
    }

    async fn an_order_that_changes_is_looked_at_anew(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, name()).await;
        let (block, first) = looked_at(&stoa, &shop, &version, called("one")).await;
        // Another name is no other order.
        let mut body = shop.block(&block).await;
        body["spec"]["displayName"] = json!("Renamed");
        shop.put(BLOCK, &format!("/{block}"), &body).await.expect(200);
        assert_eq!(shop.runs(&block).await.len(), 1);

        let now = changed(&shop, &block, "name", "two").await.expect(200);
        assert_eq!(now["status"]["status"], "WAITING_FOR_APPROVAL");
        assert_ne!(now["status"]["latestDryRunUuid"], json!(first));
        apply(&shop, &block).await.refused(409, "no dry run with a saved plan");
        assert_eq!(digest(&shop, &first).await["may"]["applyPlan"], false);
        let second = stoa.claim().await;
        assert_eq!((&second.run["spec"]["behavior"], second.input("name")["value"].clone()), (&json!("DETECT"), json!("two")));
        // Once more while that is under way: its plan is of no use any more.
        changed(&shop, &block, "name", "three").await.expect(200);
        assert_eq!(waits(&shop, &block).await, approval("EARLIER_RUN_OPEN"));
        plans(&second, "of two").await;
        assert_eq!(waits(&shop, &block).await, approval("RUN_QUEUED"));
        apply(&shop, &block).await.refused(409, "no dry run with a saved plan");
        let third = stoa.claim().await;
        plans(&third, "of three").await;
        apply(&shop, &block).await.expect(202);
        let applied = stoa.claim().await;
        assert_eq!(applied.input("name")["value"], "three");
        let path = format!("/api/meshobjects/meshbuildingblockruns/{}/plan-artifact", applied.id);
        assert_eq!(applied.runner.raw(Method::GET, &path, |r| r).await.text, "of three");
    }

    async fn a_plan_of_what_is_not_any_more_is_not_applied(stoa) {
        let own = "demo-partner";
        let body = json!({
            "metadata": { "ownedByWorkspace": own },
            "spec": { "displayName": "Draft", "description": "For tests", "runTransparency": true },
        });
        let definition = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
        let version = text(&definition, "/status/latestVersionUuid");
        let path = format!("/{version}");
        let mut draft = version_body(own, &text(&definition, "/metadata/uuid"));
        let fixed = |value: &str| input(json!({ "assignmentType": "STATIC", "argument": value }));
        draft["spec"]["inputs"] = json!({ "region": fixed("north"), "zone": fixed("a") });
        stoa.admin.put(VERSION, &path, &draft).await.expect(200);
        let block = stoa.admin.post(BLOCK, LOOK, &block_body(&version, own, json!({}))).await.expect(201);
        let block = text(&block, "/metadata/uuid");
        plans(&stoa.claim().await, "of the north").await;

        let before = draft.clone();
        draft["spec"]["inputs"]["region"] = fixed("south");
        stoa.admin.put(VERSION, &path, &draft).await.expect(200);
        apply(&stoa.admin, &block).await.refused(409, "`region` changed");
        draft.clone_from(&before);
        draft["spec"]["implementation"]["terraform"]["repositoryPath"] = json!("elsewhere");
        stoa.admin.put(VERSION, &path, &draft).await.expect(200);
        apply(&stoa.admin, &block).await.refused(409, "the definition");
        assert_eq!(waits(&stoa.admin, &block).await, approval("PLAN_UNDECIDED"));
        // As it was, the plan is good again.
        stoa.admin.put(VERSION, &path, &before).await.expect(200);
        apply(&stoa.admin, &block).await.expect(202);
    }

    async fn an_old_plan_is_not_applied(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, json!({})).await;
        let (block, _) = looked_at(&stoa, &shop, &version, json!({})).await;
        stoa.advance(Duration::from_hours(31 * 24));
        let shop = stoa.again(&shop).await;
        apply(&shop, &block).await.refused(409, "too old");
        look_again(&shop, &block).await.expect(202);
    }

    async fn a_look_that_fails_or_is_stopped_leaves_the_order_to_decide(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, json!({})).await;
        let block = ordered(&shop, &version, json!({})).await;
        stoa.claim().await.end("FAILED").await;
        assert_eq!(waits(&shop, &block).await, approval("DRY_RUN_FAILED"));
        look_again(&shop, &block).await.expect(202);
        let run = stoa.claim().await;
        stoa.admin.act("meshBuildingBlockRun", &format!("/{}/abort", run.id)).await.expect(202);
        assert_eq!(waits(&shop, &block).await, approval("ABORT_REQUESTED"));
        assert!(run.aborted_after(&json!({ "status": "ABORTED" })).await);
        assert_eq!(waits(&shop, &block).await, approval("DRY_RUN_FAILED"));
        apply(&shop, &block).await.refused(409, "no dry run with a saved plan");
        look_again(&shop, &block).await.expect(202);
        stoa.claim().await.end("SUCCEEDED").await;
        assert_eq!(waits(&shop, &block).await, approval("PLAN_MISSING"));
        // Without a plan as well, whoever may order may say: do it.
        shop.trigger(&block).await.expect(202);
        let run = stoa.claim().await;
        assert_eq!((&run.run["spec"]["behavior"], run.run["_links"].get("planArtifact")), (&json!("APPLY"), None));
        // Now something may be there: it is taken down by a run.
        run.end("FAILED").await;
        shop.delete(BLOCK, &format!("/{block}")).await.expect(202);
        assert_eq!(stoa.claim().await.run["spec"]["behavior"], "DESTROY");
    }

    async fn what_is_missing_comes_first_and_then_the_look(stoa) {
        let shop = team(&stoa).await;
        let outputs = json!({ "host": { "displayName": "Host", "type": "STRING" } });
        let (parent, version) = offered(&stoa, json!({ "inputs": { "name": input(json!({})) }, "outputs": outputs })).await;
        let above = ordered(&shop, &version, json!({})).await;
        assert_eq!(waits(&shop, &above).await, ("WAITING_FOR_USER_INPUT".into(), "USER_INPUT_MISSING".into()));
        let taken = json!({ "assignmentType": "BUILDING_BLOCK_OUTPUT", "argument": format!("{parent}.host") });
        let change = json!({ "dependencyDefinitionRefs": [{ "uuid": parent }], "inputs": { "host": input(taken) } });
        let (_, version) = offered(&stoa, change).await;
        let mut body = block_body(&version, "shop", json!({}));
        body["spec"]["parentBuildingBlockRefs"] = json!([{ "kind": BLOCK, "uuid": above }]);
        let child = text(&shop.post(BLOCK, LOOK, &body).await.expect(201), "/metadata/uuid");
        assert_eq!(waits(&shop, &child).await.0, "WAITING_FOR_DEPENDENT_INPUT");

        let now = changed(&shop, &above, "name", "one").await.expect(200);
        assert_eq!(now["status"]["status"], "WAITING_FOR_APPROVAL");
        plans(&stoa.claim().await, "plan").await;
        apply(&shop, &above).await.expect(202);
        stoa.claim().await.deliver(json!({ "host": "h1" })).await;
        shop.until(BLOCK, &child, |found| found["status"]["status"] == "WAITING_FOR_APPROVAL").await;
        let run = stoa.claim().await;
        assert_eq!((&run.run["spec"]["behavior"], &run.input("host")["value"]), (&json!("DETECT"), &json!("h1")));
        plans(&run, "with h1").await;
        // What it builds on changes: the plan is not what it was made for any more.
        changed(&shop, &above, "name", "two").await.expect(200);
        stoa.claim().await.deliver(json!({ "host": "h2" })).await;
        shop.until(BLOCK, &child, |found| found["status"]["waiting"]["reason"] == "RUN_QUEUED").await;
        apply(&shop, &child).await.refused(409, "no dry run with a saved plan");
        let run = stoa.claim().await;
        assert_eq!((&run.run["spec"]["behavior"], &run.input("host")["value"]), (&json!("DETECT"), &json!("h2")));
    }

    async fn a_runner_that_falls_silent_is_followed_by_another_look(stoa) {
        let shop = team(&stoa).await;
        let (_, version) = offered(&stoa, json!({})).await;
        let block = ordered(&shop, &version, json!({})).await;
        let lost = stoa.claim().await;
        stoa.advance(Duration::from_mins(11));
        let shop = stoa.again(&shop).await;
        let admin = stoa.again(&stoa.admin).await;
        shop.until(BLOCK, &block, |found| found["status"]["waiting"]["reason"] == "RUN_OFFERED_AGAIN").await;
        assert_eq!(waits(&shop, &block).await, approval("RUN_OFFERED_AGAIN"));
        let again = admin.claim_for(crate::stoa::SHARED).await.unwrap();
        assert_eq!((&again.id, &again.run["spec"]["behavior"]), (&lost.id, &json!("DETECT")));
        plans(&again, "plan").await;
        assert_eq!(waits(&shop, &block).await, approval("PLAN_UNDECIDED"));
        apply(&shop, &block).await.expect(202);
    }

    async fn an_order_under_a_look_is_not_upgraded(stoa) {
        let shop = team(&stoa).await;
        let (definition, version) = offered(&stoa, json!({})).await;
        let (block, _) = looked_at(&stoa, &shop, &version, json!({})).await;
        let mut next = version_body("demo-partner", &definition);
        next["spec"]["state"] = json!("RELEASED");
        let next = text(&stoa.admin.create(VERSION, &next).await, "/metadata/uuid");
        let mut body = shop.block(&block).await;
        body["spec"]["buildingBlockDefinitionVersionRef"]["uuid"] = json!(next);
        shop.put(BLOCK, &format!("/{block}"), &body).await.refused(409, "apply its plan first");
    }
}
