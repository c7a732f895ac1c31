//! Stopping gracefully: what is under way ends, streams end, and a second start goes on from there.

use crate::listening::{Ear, From};
use crate::process::Process;
use crate::stoa::{Stoa, media, text};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_db::testing::{ENGINES, fresh};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sooner than the server would give up waiting for whoever does not end by itself.
const SOON: Duration = Duration::from_secs(25);

/// A request whose body arrives in two halves.
struct Slow {
    line: TcpStream,
    rest: Vec<u8>,
}

impl Slow {
    /// Begins to create a workspace.
    async fn begin(stoa: &Stoa, name: &str) -> Self {
        let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "slow" } })
            .to_string();
        let media = media("meshWorkspace", "v2");
        let head = format!(
            "POST /api/meshobjects/meshworkspaces HTTP/1.1\r\nhost: stoa\r\naccept: {media}\r\n\
             content-type: {media}\r\ncontent-length: {}\r\nauthorization: {}\r\n\r\n",
            body.len(),
            stoa.admin.authorization.as_ref().unwrap()
        );
        let mut line = TcpStream::connect(stoa.url.strip_prefix("http://").unwrap()).await.unwrap();
        let (first, rest) = body.as_bytes().split_at(body.len() / 2);
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(first).await.unwrap();
        line.flush().await.unwrap();
        Self { line, rest: rest.to_vec() }
    }

    /// Sends the rest and reads the whole answer.
    async fn finish(mut self) -> String {
        self.line.write_all(&self.rest).await.unwrap();
        let mut answer = Vec::new();
        // The server closes the connection because it is stopping.
        self.line.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_requests_end_and_a_second_start_goes_on() {
    for engine in ENGINES {
        let Some(database) = fresh(engine).map(Arc::new) else { continue };
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let stoa = Stoa::with(database.clone(), folder.clone(), |_| {}).await;
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        let events = format!("{}/api/events", stoa.url);
        let mut feed =
            Ear::open(&stoa.admin, &format!("{events}?kind=meshWorkspace&since=0"), From::Now).await;
        let mut last = feed.until(|heard| heard.data["workspace"] == "shop").await.id.unwrap();
        let stream = format!("{}/api/meshobjects/meshbuildingblockruns/{}/events", stoa.url, run.id);
        let mut live = Ear::open(&stoa.admin, &stream, From::Now).await;
        let slow = Slow::begin(&stoa, "slow").await;
        // The server has begun to read it once it answers what was sent later.
        stoa.nobody().raw(reqwest::Method::GET, "/livez", |request| request).await.expect(200);

        let (url, admin, key) = (stoa.url.clone(), stoa.admin.clone(), folder.path().join("admin-key.json"));
        let key_before = std::fs::read_to_string(&key).unwrap();
        let stopping = tokio::spawn(Arc::into_inner(stoa.running).unwrap().stop());
        // Both streams end although their runs and objects do not.
        let heard = live.rest().await;
        assert!(heard.iter().all(|heard| heard.event != "end"), "{heard:?}");
        assert_eq!(feed.rest().await, []);
        assert!(!stopping.is_finished(), "it waits for the request that is under way");
        let answer = slow.finish().await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        stopping.await.unwrap();
        let refused =
            reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{url}/livez")).send();
        assert!(refused.await.is_err_and(|error| error.is_connect()));

        let again = Stoa::with(database, folder, |_| {}).await;
        assert_eq!(std::fs::read_to_string(&key).unwrap(), key_before, "no second key is made");
        again.admin.get("meshWorkspace", "/slow").await.expect(200);
        let events = format!("{}/api/events?kind=meshWorkspace", again.url);
        // Tokens and places in the feed outlive the process.
        let mut feed = Ear::open(&admin, &events, From::After(last)).await;
        let heard = feed.next().await.unwrap();
        assert_eq!((&heard.data["workspace"], &heard.data["action"]), (&json!("slow"), &json!("Created")));
        last = heard.id.unwrap();
        again.workspace("next").await;
        let heard = feed.next().await.unwrap();
        assert!(heard.data["workspace"] == "next" && heard.id.unwrap() > last, "{heard:?}");
        let runner = again.nobody().bearer(&text(&run.run, "/spec/runToken"));
        let report = runner.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await;
        assert_eq!(report.expect(200), json!({ "runAborted": false }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_stops_the_program_soon_and_with_success() {
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let process = Process::serve(folder.path(), &database.url);
        let admin = process.admin(folder.path()).await;
        let mut feed = Ear::open(&admin, &format!("{}/api/events", process.url), From::Now).await;
        // What was written at the start may be told after the stream has begun, but before what is written now.
        let last = json!({ "metadata": { "name": "last", "tags": {} }, "spec": { "displayName": "Last" } });
        admin.create("meshWorkspace", &last).await;
        feed.until(|heard| heard.data["workspace"] == "last").await;
        let told = Instant::now();
        let status = process.terminate();
        assert_eq!(status.code(), Some(0));
        assert!(told.elapsed() < SOON, "it took {:?}", told.elapsed());
        assert_eq!(feed.rest().await, []);
    }
}
