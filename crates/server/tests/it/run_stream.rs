//! One run live: its state, its steps and its logs, piece by piece.

use crate::claimed::Claimed;
use crate::listening::{Ear, From, Heard};
use crate::on_both;
use crate::stoa::{Caller, Stoa, input, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use stoa_chaos::random::Random;

/// A claimed run of a block of the workspace `shop`.
async fn claimed(stoa: &Stoa, version: Value) -> Claimed {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", version).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

fn stream_of(stoa: &Stoa, run: &str) -> String {
    format!("{}/api/meshobjects/meshbuildingblockruns/{run}/events", stoa.url)
}

impl Claimed {
    async fn reports(&self, body: Value) {
        self.runner.report(&self.id, "r", &body).await.expect(200);
    }
}

/// What a reader has put together from what it heard.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    status: String,
    steps: BTreeMap<String, String>,
    logs: BTreeMap<String, String>,
    last: Option<i64>,
    end: Option<Value>,
}

impl Known {
    /// Takes a message as a client does that knows nothing but the contract.
    fn take(&mut self, heard: &Heard) {
        self.last = heard.id.or(self.last);
        match heard.event.as_str() {
            "run" => self.status = text(&heard.data, "/status"),
            "step" => {
                self.steps.insert(text(&heard.data, "/id"), text(&heard.data, "/status"));
            }
            "log" => {
                let from = usize::try_from(heard.data["from"].as_u64().unwrap()).unwrap();
                let log = self.logs.entry(text(&heard.data, "/id")).or_default();
                assert!(
                    log.is_char_boundary(from),
                    "a piece begins at {from} of {}: a gap or half a letter",
                    log.len()
                );
                log.truncate(from);
                log.push_str(&text(&heard.data, "/text"));
            }
            "end" => self.end = Some(heard.data.clone()),
            other => panic!("unknown event {other}"),
        }
    }

    /// Hears until the logs are these.
    async fn until(&mut self, ear: &mut Ear, logs: &BTreeMap<String, String>) {
        while self.logs != *logs {
            let heard = ear.next().await.unwrap();
            self.take(&heard);
        }
    }
}

const LETTERS: [&str; 8] = ["a", "\n", "ß", "é", "€", "語", "🦀", "0123456789"];

fn some_text(random: &mut Random) -> String {
    (0..random.below(12)).map(|_| LETTERS[random.below(LETTERS.len())]).collect()
}

/// The next text of a log: longer, replaced, shortened, or as it was.
fn next_text(random: &mut Random, log: &str) -> String {
    match random.below(6) {
        0..3 => format!("{log}{}", some_text(random)),
        3 => some_text(random),
        4 => {
            let ends: Vec<usize> = log.char_indices().map(|(at, _)| at).collect();
            log[..ends.get(random.below(ends.len() + 1)).copied().unwrap_or(0)].to_owned()
        }
        _ => log.to_owned(),
    }
}

on_both! {
    async fn logs_are_put_together_exactly_whatever_happens_to_them(stoa) {
        let mut random = Random::seeded();
        let run = claimed(&stoa, json!({})).await;
        let url = stream_of(&stoa, &run.id);
        let mut ear = Ear::open(&stoa.admin, &url, From::Now).await;
        let (mut live, mut logs) = (Known::default(), BTreeMap::new());
        for _ in 0..60 {
            let mut steps = Vec::new();
            for id in ["plan", "apply"] {
                if random.below(3) > 0 {
                    let log: &mut String = logs.entry(id.to_owned()).or_default();
                    let next = next_text(&mut random, log);
                    steps.push(json!({ "id": id, "status": "IN_PROGRESS", "systemMessage": next }));
                    if !next.is_empty() {
                        // An empty message means that nothing changed.
                        *log = next;
                    }
                }
            }
            logs.retain(|_, log| !log.is_empty());
            run.reports(json!({ "status": "IN_PROGRESS", "steps": steps })).await;
            match random.below(8) {
                // The reader keeps up with what was written,
                0..3 => live.until(&mut ear, &logs).await,
                // loses its connection in the middle and comes back,
                3 | 4 => {
                    for _ in 0..random.below(4) {
                        match ear.within(Duration::from_millis(5)).await {
                            Some(heard) => live.take(&heard),
                            None => break,
                        }
                    }
                    // A reader resumes behind the last place it was told; what came since then comes again.
                    ear = match live.last {
                        Some(last) => Ear::open(&stoa.admin, &url, From::After(last)).await,
                        None => Ear::open(&stoa.admin, &url, From::Now).await,
                    };
                }
                // somebody comes new,
                5 => {
                    let (mut other, mut known) = (Ear::open(&stoa.admin, &url, From::Now).await, Known::default());
                    known.until(&mut other, &logs).await;
                }
                // or nobody reads for a while.
                _ => {}
            }
        }
        run.reports(json!({ "status": "SUCCEEDED" })).await;
        for heard in ear.rest().await {
            live.take(&heard);
        }
        assert_eq!(live.logs, logs);
        assert_eq!(live.end.unwrap()["status"], "SUCCEEDED");
        let mut late = Known::default();
        for heard in Ear::open(&stoa.admin, &url, From::Now).await.rest().await {
            late.take(&heard);
        }
        assert_eq!((&late.logs, late.end.is_some()), (&logs, true));
        for step in stoa.admin.logs(&run.id).await["steps"].as_array().unwrap() {
            let log = logs.get(&text(step, "/id"));
            assert_eq!(step["systemMessage"].as_str(), log.map(String::as_str));
        }
    }

    async fn a_run_is_told_from_its_claim_to_its_end(stoa) {
        let run = claimed(&stoa, json!({})).await;
        let mut ear = Ear::open(&stoa.admin, &stream_of(&stoa, &run.id), From::Now).await;
        let heard = ear.next().await.unwrap();
        assert_eq!((heard.event.as_str(), &heard.data), ("run", &json!({ "status": "IN_PROGRESS", "message": null })));
        let steps = json!([{ "id": "one", "displayName": "Step one" }, { "id": "two" }]);
        run.runner.register(&run.id, &json!({ "source": { "id": "r" }, "steps": steps })).await.expect(200);
        let first = ear.until(|heard| heard.event == "step").await;
        let expected = json!({
            "source": "r", "id": "one", "displayName": "Step one", "status": "PENDING", "userMessage": null,
            "startedOn": null, "endedOn": null,
        });
        assert_eq!(first.data, expected);
        let second = ear.next().await.unwrap();
        assert_eq!((&second.data["id"], &second.data["displayName"]), (&json!("two"), &json!("two")));
        // Only behind the whole report may a reader resume.
        assert!(first.id.is_none() && second.id.is_some());

        let step = json!({ "id": "one", "status": "SUCCEEDED", "userMessage": "made it", "systemMessage": "log" });
        run.reports(json!({ "status": "PENDING", "steps": [step] })).await;
        let heard = ear.until(|heard| heard.event == "step").await;
        assert_eq!((&heard.data["userMessage"], &heard.data["status"]), (&json!("made it"), &json!("SUCCEEDED")));
        let heard = ear.next().await.unwrap();
        assert_eq!(heard.data, json!({ "source": "r", "id": "one", "from": 0, "text": "log" }));
        let heard = ear.until(|heard| heard.event == "run").await;
        assert_eq!(heard.data["status"], "PENDING");

        run.reports(json!({ "status": "SUCCEEDED", "summary": "all of it" })).await;
        let rest = ear.rest().await;
        let end = rest.last().unwrap();
        assert_eq!((end.event.as_str(), &end.data["status"]), ("end", &json!("SUCCEEDED")));
        // A step is left without success: whoever watches is told.
        assert_eq!(end.data["warnings"][0]["code"], "STEP_SUCCESS_MISSING");
        assert!(end.data["warnings"][0]["message"].as_str().unwrap().contains("two"));
        let summaries = rest.iter().filter(|heard| heard.data["message"] == "all of it").count();
        assert_eq!((summaries, rest.iter().filter(|heard| heard.event == "end").count()), (1, 1));

        // Whoever comes back behind the end is told so and let go.
        let last = end.id.unwrap();
        let again = Ear::open(&stoa.admin, &stream_of(&stoa, &run.id), From::After(last)).await.rest().await;
        assert_eq!(again.iter().map(|heard| heard.event.as_str()).collect::<Vec<_>>(), ["end"]);
    }

    async fn consumers_hear_what_their_operator_lets_them_see(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("other").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let shop = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        for transparent in [false, true] {
            let mut body = stoa.admin.get("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(200);
            body["spec"]["runTransparency"] = json!(transparent);
            stoa.admin.put("meshBuildingBlockDefinition", &format!("/{definition}"), &body).await.expect(200);
            stoa.order(&stoa.admin, &version, "shop", json!({})).await;
            let run = stoa.claim().await;
            let url = stream_of(&stoa, &run.id);
            let mut ear = Ear::open(&shop, &url, From::Now).await;
            let step = json!({ "id": "a", "status": "FAILED", "userMessage": "sorry", "systemMessage": "secret log" });
            run.reports(json!({ "status": "IN_PROGRESS", "steps": [step] })).await;
            run.reports(json!({ "status": "FAILED", "summary": "secret reason" })).await;
            let live = ear.rest().await;
            let replayed = Ear::open(&shop, &url, From::Now).await.rest().await;
            for heard in [live, replayed] {
                let events: Vec<&str> = heard.iter().map(|heard| heard.event.as_str()).collect();
                assert_eq!(events.contains(&"log"), transparent, "{events:?}");
                assert!(events.contains(&"step") && *events.last().unwrap() == "end", "{events:?}");
                let said = format!("{heard:?}");
                assert!(said.contains("sorry"));
                assert_eq!(said.contains("secret"), transparent, "{said}");
            }
            for (caller, status) in [(&stoa.nobody(), 401), (&stoa.key("other", &["BUILDINGBLOCK_LIST"]).await, 403)] {
                assert_eq!(Ear::ask(caller, &url, From::Now).await.status().as_u16(), status);
            }
        }
        let unknown = stream_of(&stoa, "11111111-1111-4111-8111-111111111111");
        assert_eq!(Ear::ask(&stoa.admin, &unknown, From::Now).await.status().as_u16(), 404);
    }

    async fn a_stop_and_a_silence_are_told(stoa) {
        let run = claimed(&stoa, json!({ "inputs": { "size": input(json!({ "assignmentType": "STATIC", "argument": "s" })) } })).await;
        let url = stream_of(&stoa, &run.id);
        let mut ear = Ear::open(&stoa.admin, &url, From::Now).await;
        stoa.advance(Duration::from_mins(11));
        let heard = ear.until(|heard| heard.data["status"] == "PENDING").await;
        assert_eq!(heard.event, "run");
        let admin = stoa.again(&stoa.admin).await;
        let second = admin.claimed_for(crate::stoa::SHARED).await;
        assert_eq!(second.id, run.id);
        ear.until(|heard| heard.event == "run" && heard.data["status"] == "IN_PROGRESS").await;
        stop(&admin, &run.id).await;
        let heard = ear.until(|heard| heard.event == "run").await;
        assert_eq!(heard.data["message"], "Stopping was asked for.");

        // What the first claimer says now is not about this run any more.
        let late = json!({ "status": "FAILED", "steps": [{ "id": "old", "status": "FAILED" }] });
        assert_eq!(run.runner.report(&run.id, "r", &late).await.expect(200)["runAborted"], true);
        second.reports(json!({ "steps": [{ "id": "new", "status": "ABORTED" }] })).await;
        let rest = ear.rest().await;
        assert!(rest.iter().all(|heard| heard.data["id"] != "old"), "{rest:?}");
        let end = rest.last().unwrap();
        assert_eq!((end.event.as_str(), &end.data["status"]), ("end", &json!("ABORTED")));
        assert_eq!(end.data["warnings"][0]["code"], "RUN_OFFERED_AGAIN");
    }
}

async fn stop(caller: &Caller, run: &str) {
    assert_eq!(caller.act("meshBuildingBlockRun", &format!("/{run}/abort")).await.status, 202);
}
