//! §12: the OpenTofu state backend.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};

const STATE: &str = r#"{"version":4,"serial":1,"lineage":"l","resources":[]}"#;
const STATE_MD5: &str = "1lKvhfrUogxGm/53XVKTdw==";

async fn claimed(stoa: &Stoa) -> Claimed {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

fn path_of(block: &str) -> String {
    format!("/api/terraform/state/workspace/shop/buildingBlock/{block}")
}

/// As OpenTofu comes: any user, the run's token as the password.
fn tofu(stoa: &Stoa, run: &Claimed) -> Caller {
    stoa.nobody().basic("x", &text(&run.run, "/spec/runToken"))
}

async fn post(caller: &Caller, path: &str, body: &str) -> Answer {
    caller
        .raw(Method::POST, path, |r| r.header("content-type", "application/json").body(body.to_owned()))
        .await
}

async fn get(caller: &Caller, path: &str) -> Answer {
    caller.raw(Method::GET, path, |r| r).await
}

async fn verb(caller: &Caller, verb: &str, path: &str, id: &str) -> Answer {
    let info = json!({ "ID": id, "Operation": "OperationTypeApply", "Who": "ada@laptop" }).to_string();
    caller.raw(Method::from_bytes(verb.as_bytes()).unwrap(), path, |r| r.body(info)).await
}

fn state(serial: i64, lineage: &str) -> String {
    json!({ "version": 4, "serial": serial, "lineage": lineage }).to_string()
}

on_both! {
    async fn a_state_is_kept_byte_for_byte(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        get(&tofu, &path).await.expect(204);
        for body in [STATE.to_owned(), format!(" {STATE}\n"), state(2, "grün")] {
            let answer = post(&tofu, &path, &body).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            let found = get(&tofu, &path).await;
            assert_eq!((found.status, found.text.as_str()), (200, body.as_str()));
            assert_eq!(found.headers["content-type"], "application/json");
        }
        tofu.raw(Method::DELETE, &path, |r| r).await.expect(200);
        get(&tofu, &path).await.expect(204);
        tofu.raw(Method::DELETE, &path, |r| r).await.expect(200);
        // Another run of the block goes on with what is there.
        post(&tofu, &path, STATE).await.expect(200);
        run.end("SUCCEEDED").await;
        stoa.admin.trigger(&run.block()).await.expect(202);
        let next = stoa.claim().await;
        assert_eq!(get(&self::tofu(&stoa, &next), &path).await.text, STATE);
    }

    async fn what_is_no_state_is_refused(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        for body in ["", "not json", "[1, 2]", "7"] {
            post(&tofu, &path, body).await.refused(400, "");
        }
        let with_md5 = |md5: &'static str| {
            let (tofu, path) = (tofu.clone(), path.clone());
            async move { tofu.raw(Method::POST, &path, |r| r.header("content-md5", md5).body(STATE)).await }
        };
        with_md5("AAAAAAAAAAAAAAAAAAAAAA==").await.refused(400, "Content-MD5");
        get(&tofu, &path).await.expect(204);
        with_md5(STATE_MD5).await.expect(200);
    }

    async fn a_state_has_at_most_sixty_four_mebibytes(stoa) {
        let run = claimed(&stoa).await;
        let request = |length: usize| {
            format!(
                "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{{",
                path_of(&run.block()),
                run.runner.authorization.clone().unwrap(),
            )
        };
        // The length is enough to say no.
        let answer = stoa.exchange(&request((64 << 20) + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    async fn every_way_to_bring_the_token_works(stoa) {
        let run = claimed(&stoa).await;
        let path = path_of(&run.block());
        let token = text(&run.run, "/spec/runToken");
        let bearer = stoa.admin.authorization.clone().unwrap();
        let access = bearer.trim_start_matches("Bearer ");
        for caller in [
            stoa.nobody().basic("x", &token),
            stoa.nobody().basic("", &token),
            run.runner.clone(),
            stoa.admin.clone(),
            stoa.nobody().basic("anything", access),
        ] {
            post(&caller, &path, STATE).await.expect(200);
            assert_eq!(get(&caller, &path).await.text, STATE);
        }
        for caller in [
            stoa.nobody(),
            stoa.nobody().basic("x", "nonsense"),
            stoa.nobody().basic(&token, ""),
            stoa.nobody().bearer("nonsense"),
        ] {
            let answer = get(&caller, &path).await;
            assert!(answer.headers.contains_key("www-authenticate"));
            answer.refused(401, "");
        }
        // As a password the token opens the state, and nothing else.
        let password = stoa.nobody().basic("x", &token);
        password.get("meshBuildingBlockRun", &format!("/{}", run.id)).await.refused(401, "");
        stoa.nobody().basic("x", access).get("meshWorkspace", "").await.refused(401, "");
    }

    async fn a_token_reaches_its_own_block_only(stoa) {
        let run = claimed(&stoa).await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let other = stoa.claim().await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&other.block()));
        for method in [Method::GET, Method::POST, Method::DELETE] {
            tofu.raw(method, &path, |r| r.body(STATE)).await.refused(403, "");
        }
        let unknown = path_of("00000000-0000-4000-8000-000000000000");
        get(&tofu, &unknown).await.refused(404, "");
        get(&stoa.admin, "/api/terraform/state/workspace/shop/tenant/x").await.refused(404, "");
        get(&stoa.admin, &path_of(&run.block()).replace("/shop/", "/other/")).await.refused(403, "other");
    }

    async fn keys_reach_what_their_codes_say(stoa) {
        stoa.workspace("press").await;
        let run = claimed(&stoa).await;
        let path = path_of(&run.block());
        for (workspace, prefix) in [("shop", ""), ("demo-partner", "MANAGED_")] {
            let code = |action: &str| format!("{prefix}TFSTATE_{action}");
            let reader = stoa.key(workspace, &[&code("LIST")]).await;
            let writer = stoa.key(workspace, &[&code("SAVE")]).await;
            let remover = stoa.key(workspace, &[&code("DELETE")]).await;
            post(&writer, &path, STATE).await.expect(200);
            assert_eq!(get(&reader, &path).await.text, STATE);
            get(&writer, &path).await.refused(403, "TFSTATE_LIST");
            post(&reader, &path, STATE).await.refused(403, "TFSTATE_SAVE");
            verb(&reader, "LOCK", &path, "1").await.refused(403, "TFSTATE_SAVE");
            writer.raw(Method::DELETE, &path, |r| r).await.refused(403, "TFSTATE_DELETE");
            remover.raw(Method::DELETE, &path, |r| r).await.expect(200);
        }
        let all = [
            "TFSTATE_LIST",
            "TFSTATE_SAVE",
            "TFSTATE_DELETE",
            "MANAGED_TFSTATE_LIST",
            "MANAGED_TFSTATE_SAVE",
        ];
        let stranger = stoa.key("press", &all).await;
        get(&stranger, &path).await.refused(403, "");
        post(&stranger, &path, STATE).await.refused(403, "");
        // Reads of a consumer's own key need no run.
        run.end("SUCCEEDED").await;
        post(&stoa.admin, &path, STATE).await.expect(200);
    }

    async fn one_holds_the_lock_at_a_time(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        let person = stoa.key("demo-partner", &["MANAGED_TFSTATE_SAVE", "MANAGED_TFSTATE_DELETE"]).await;
        verb(&tofu, "LOCK", &path, "lock-1").await.expect(200);
        verb(&tofu, "LOCK", &path, "lock-1").await.expect(200);
        let held = verb(&person, "LOCK", &path, "lock-2").await;
        assert_eq!(held.status, 423);
        assert_eq!((&held.json()["ID"], &held.json()["Who"]), (&json!("lock-1"), &json!("ada@laptop")));
        post(&tofu, &format!("{path}?ID=lock-1"), STATE).await.expect(200);
        for (method, rest) in [(Method::POST, ""), (Method::POST, "?ID=lock-2"), (Method::DELETE, "")] {
            let answer = person.raw(method, &format!("{path}{rest}"), |r| r.body(STATE)).await;
            assert_eq!((answer.status, &answer.json()["ID"]), (423, &json!("lock-1")));
        }
        verb(&person, "UNLOCK", &path, "lock-2").await.refused(409, "another id");
        verb(&tofu, "UNLOCK", &path, "lock-1").await.expect(200);
        verb(&tofu, "UNLOCK", &path, "lock-1").await.expect(200);
        verb(&person, "LOCK", &path, "lock-2").await.expect(200);
        // Force-unlock sends no body.
        let unlock = Method::from_bytes(b"UNLOCK").unwrap();
        person.raw(unlock, &path, |r| r).await.expect(200);
        post(&tofu, &path, STATE).await.expect(200);
        for bad in ["", "x", "{}", r#"{"ID": ""}"#] {
            let lock = Method::from_bytes(b"LOCK").unwrap();
            tofu.raw(lock, &path, |r| r.body(bad)).await.refused(400, "");
        }
    }

    async fn many_locks_at_once_give_one(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        let ids: Vec<String> = (0..10).map(|n| format!("lock-{n}")).collect();
        let locks = ids.iter().map(|id| verb(&tofu, "LOCK", &path, id));
        let statuses: Vec<u16> =
            futures_util::future::join_all(locks).await.iter().map(|a| a.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 423).count(), 9, "{statuses:?}");
    }

    async fn the_last_twenty_states_are_kept(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        for serial in 1..=23 {
            post(&tofu, &path, &state(serial, "l")).await.expect(200);
        }
        let listed = get(&tofu, &format!("{path}/versions")).await.expect(200);
        let versions = listed["versions"].as_array().unwrap();
        assert_eq!(versions.len(), 20);
        assert_eq!((&versions[0]["serial"], &versions[19]["serial"]), (&json!(23), &json!(4)));
        assert_eq!(versions[0]["run"], json!(run.id));
        let older = versions[5]["version"].as_i64().unwrap();
        assert_eq!(get(&tofu, &format!("{path}?version={older}")).await.text, state(18, "l"));
        get(&tofu, &format!("{path}?version=1")).await.expect(204);
        get(&tofu, &format!("{path}?version=x")).await.refused(400, "version");
        // A state that goes back is taken: somebody may know what they do.
        post(&tofu, &path, &state(7, "l")).await.expect(200);
        assert_eq!(get(&tofu, &path).await.text, state(7, "l"));
    }

    async fn states_at_once_are_all_kept_in_some_order(stoa) {
        let run = claimed(&stoa).await;
        let (tofu, path) = (tofu(&stoa, &run), path_of(&run.block()));
        let states: Vec<String> = (1..=12).map(|serial| state(serial, "l")).collect();
        let posts = states.iter().map(|body| post(&tofu, &path, body));
        for answer in futures_util::future::join_all(posts).await {
            answer.expect(200);
        }
        let listed = get(&tofu, &format!("{path}/versions")).await.expect(200);
        let places: Vec<&Value> =
            listed["versions"].as_array().unwrap().iter().map(|found| &found["version"]).collect();
        assert_eq!(json!(places), json!((1..=12).rev().collect::<Vec<_>>()));
    }

    async fn a_state_outlives_its_block_for_a_month(stoa) {
        let run = claimed(&stoa).await;
        let path = path_of(&run.block());
        post(&tofu(&stoa, &run), &path, STATE).await.expect(200);
        run.end("SUCCEEDED").await;
        stoa.admin.delete("meshBuildingBlock", &format!("/{}", run.block())).await.expect(202);
        let destroy = stoa.claim().await;
        let tofu = tofu(&stoa, &destroy);
        assert_eq!(get(&tofu, &path).await.text, STATE, "until it is destroyed");
        destroy.end("SUCCEEDED").await;
        get(&stoa.admin, &path).await.expect(204);
        let versions = format!("{path}/versions");
        let listed = get(&stoa.admin, &versions).await.expect(200);
        assert!(listed["versions"][0]["archivedAt"].is_string());
        let place = &listed["versions"][0]["version"];
        assert_eq!(get(&stoa.admin, &format!("{path}?version={place}")).await.text, STATE);
        stoa.advance(std::time::Duration::from_secs(31 * 24 * 3600));
        let admin = stoa.again(&stoa.admin).await;
        admin.until_at(&versions, |answer| answer.json()["versions"] == json!([])).await;
    }
}
