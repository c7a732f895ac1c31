//! The feed of all changes as server-sent events.

use crate::listening::{Ear, From, Heard};
use crate::on_both;
use crate::stoa::{Caller, SHARED, Stoa, block_body, text};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use stoa_db::Engine;
use stoa_db::testing::fresh;

/// A reader of the feed. Whoever begins now hears nothing of what was done before.
async fn feed(stoa: &Stoa, caller: &Caller, query: &str, from: From) -> Ear {
    if matches!(from, From::Now) && !query.contains("since=") {
        stoa.all_told().await;
    }
    Ear::open(caller, &format!("{}/api/events{query}", stoa.url), from).await
}

async fn rename(caller: &Caller, workspace: &str, to: &str) {
    let body = json!({ "metadata": { "name": workspace, "tags": {} }, "spec": { "displayName": to } });
    caller.put("meshWorkspace", &format!("/{workspace}"), &body).await.expect(200);
}

fn told(heard: &Heard) -> (String, String, Option<String>) {
    let workspace = heard.data["workspace"].as_str().map(str::to_owned);
    (text(&heard.data, "/kind"), text(&heard.data, "/action"), workspace)
}

on_both! {
    async fn each_filter_lets_through_what_it_names(stoa) {
        let shop = stoa.workspace("shop").await;
        stoa.workspace("other").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let mut all = feed(&stoa, &stoa.admin, "", From::Now).await;
        let mut kind = feed(&stoa, &stoa.admin, "?kind=meshBuildingBlock", From::Now).await;
        let mut workspace = feed(&stoa, &stoa.admin, "?workspace=other", From::Now).await;
        let mut runner = feed(&stoa, &stoa.admin, &format!("?runner={SHARED}"), From::Now).await;
        let mut stranger = feed(&stoa, &stoa.admin, "?runner=11111111-1111-4111-8111-111111111111", From::Now).await;
        let block = stoa.order(&stoa.admin, &version, "other", json!({})).await;
        let uuid = text(&block, "/metadata/uuid");
        let mut one = feed(&stoa, &stoa.admin, &format!("?uuid={uuid}&since=0"), From::Now).await;
        rename(&stoa.admin, "shop", "Shop").await;
        rename(&stoa.admin, "other", "Other").await;

        let mut seqs = Vec::new();
        loop {
            let heard = all.next().await.unwrap();
            assert_eq!((heard.event.as_str(), heard.id), ("change", heard.data["seq"].as_i64()));
            assert!(heard.data["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{heard:?}");
            seqs.push(heard.id.unwrap());
            if told(&heard).0 == "meshWorkspace" && heard.data["workspace"] == "other" {
                break;
            }
        }
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");

        let of = |kind: &str, action: &str| (kind.to_owned(), action.to_owned(), Some("other".to_owned()));
        assert_eq!(told(&kind.next().await.unwrap()), of("meshBuildingBlock", "Created"));
        let first = one.next().await.unwrap();
        assert_eq!((told(&first), &first.data["uuid"]), (of("meshBuildingBlock", "Created"), &json!(uuid)));
        let queued = runner.next().await.unwrap();
        assert_eq!(told(&queued), of("meshBuildingBlockRun", "Queued"));
        assert_eq!((&queued.data["runner"], &queued.data["run"]), (&json!(SHARED), &queued.data["uuid"]));
        let heard = workspace.until(|heard| heard.data["kind"] == "meshWorkspace").await;
        assert_eq!(told(&heard), of("meshWorkspace", "Changed"));
        assert!(stranger.within(Duration::from_millis(50)).await.is_none());
        assert_eq!(shop["metadata"]["name"], "shop");
    }

    async fn callers_hear_of_what_they_may_read_and_nothing_else(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("other").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let every = [
            "WORKSPACE_LIST", "PROJECT_LIST", "APIKEY_LIST", "BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCK_LIST",
            "MANAGED_BUILDINGBLOCKRUN_LIST", "MANAGED_BUILDINGBLOCKRUN_SAVE", "EVENTLOG_LIST",
            "BUILDINGBLOCKDEFINITION_LIST",
        ];
        let other = stoa.key("other", &every).await;
        let shop = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let platform = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCKRUN_SAVE"]).await;
        let mut others = feed(&stoa, &other, "", From::Now).await;
        let mut shops = feed(&stoa, &shop, "", From::Now).await;
        let mut platforms = feed(&stoa, &platform, "", From::Now).await;

        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        rename(&stoa.admin, "shop", "Shop").await;
        rename(&stoa.admin, "other", "Other").await;
        stoa.order(&stoa.admin, &version, "other", json!({})).await;

        // The first thing that the other workspace hears is its own.
        let heard = others.next().await.unwrap();
        assert_eq!(told(&heard), ("meshWorkspace".into(), "Changed".into(), Some("other".into())));
        let heard = shops.next().await.unwrap();
        assert_eq!(told(&heard), ("meshBuildingBlock".into(), "Created".into(), Some("shop".into())));
        assert!(shops.within(Duration::from_millis(50)).await.is_none_or(|heard| {
            told(&heard) == ("meshBuildingBlock".into(), "Changed".into(), Some("shop".into()))
        }));
        // The platform team hears of blocks of its definition, and that a run waits for its runner.
        let heard: BTreeSet<_> = [platforms.next().await.unwrap(), platforms.next().await.unwrap()]
            .iter()
            .map(|heard| (told(heard).0, told(heard).2))
            .collect();
        let of_shop = Some("shop".to_owned());
        let expected = ["meshBuildingBlock", "meshBuildingBlockRun"].map(|kind| (kind.to_owned(), of_shop.clone()));
        assert_eq!(heard, expected.into());

        let url = format!("{}/api/events", stoa.url);
        assert_eq!(Ear::ask(&stoa.nobody(), &url, From::Now).await.status().as_u16(), 401);
    }

    async fn a_reader_that_comes_back_misses_nothing_and_hears_nothing_twice(stoa) {
        let mut ear = feed(&stoa, &stoa.admin, "?kind=meshWorkspace", From::Now).await;
        let names: Vec<String> = (0..30).map(|number| format!("w{number}")).collect();
        let making = join_all(names.iter().map(|name| stoa.workspace(name)));
        let reading = async {
            let (mut heard, mut connections) = (Vec::new(), 0);
            while heard.len() < 30 {
                // Each connection breaks after a few messages.
                for _ in 0..4.min(30 - heard.len()) {
                    heard.push(ear.next().await.unwrap());
                }
                let last = heard.last().unwrap().id.unwrap();
                connections += 1;
                ear = match connections % 3 {
                    0 => feed(&stoa, &stoa.admin, &format!("?kind=meshWorkspace&since={last}"), From::Now).await,
                    // What the client remembers counts for more than what its address says.
                    _ => feed(&stoa, &stoa.admin, "?kind=meshWorkspace&since=0", From::After(last)).await,
                };
            }
            heard
        };
        let (_, heard) = tokio::join!(making, reading);
        let places: Vec<i64> = heard.iter().map(|heard| heard.id.unwrap()).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        let names: BTreeSet<String> = heard.iter().map(|heard| text(&heard.data, "/workspace")).collect();
        assert_eq!(names.len(), 30);
        assert!(ear.within(Duration::from_millis(50)).await.is_none());
    }

    async fn a_runner_is_woken_by_each_order(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let mut ear = feed(&stoa, &stoa.admin, &format!("?runner={SHARED}"), From::Now).await;
        let begun = Instant::now();
        for _ in 0..5 {
            let body = block_body(&version, "shop", json!({}));
            let queued = ear.until(|heard| heard.comment.is_none());
            let (block, heard) = tokio::join!(stoa.admin.create("meshBuildingBlock", &body), queued);
            let run = text(&heard.data, "/run");
            let id = text(&block, "/metadata/uuid");
            let block = stoa.admin.get("meshBuildingBlock", &format!("/{id}")).await.expect(200);
            assert_eq!(text(&block, "/status/latestRunUuid"), run);
        }
        // A stream that nobody wakes looks every fifteen seconds.
        assert!(begun.elapsed() < Duration::from_mins(1), "it took {:?}", begun.elapsed());
    }

    async fn a_key_that_was_deleted_hears_nothing_any_more(stoa) {
        stoa.workspace("shop").await;
        let key = stoa.key("shop", &["WORKSPACE_LIST"]).await;
        let mut ear = feed(&stoa, &key, "", From::Now).await;
        rename(&stoa.admin, "shop", "before").await;
        assert_eq!(ear.next().await.unwrap().data["kind"], "meshWorkspace");
        let path = format!("/{}", key.client_id);
        assert_eq!(stoa.admin.delete("meshApiKey", &path).await.status, 204);
        rename(&stoa.admin, "shop", "after").await;
        assert_eq!(ear.next().await, None, "the stream ends");
    }
}

/// The clock of this test stands still and jumps to whatever comes next, so fifteen seconds pass at once.
#[tokio::test]
async fn a_stream_without_news_is_kept_alive() {
    let database = fresh(Engine::Sqlite).unwrap().into();
    let stoa = Stoa::with(database, tempfile::tempdir().unwrap().into(), |_| {}).await;
    let mut ear = feed(&stoa, &stoa.admin, "?kind=meshUser", From::Now).await;
    tokio::time::pause();
    for _ in 0..3 {
        let heard = ear.hear().await.unwrap();
        assert_eq!(heard, Heard { comment: Some("keep-alive".into()), ..Heard::default() });
    }
}
