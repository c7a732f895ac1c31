//! Finding things: text search and order of lists, the search over all kinds, what a uuid names, what was before.

use crate::on_both;
use crate::stoa::{Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(caller: &Caller, path: &str) -> Value {
    caller.raw(Method::GET, path, |r| r).await.expect(200)
}

async fn hits(caller: &Caller, query: &str) -> Vec<String> {
    let found = ask(caller, &format!("/api/stoa/v1/search?{query}")).await;
    let hits = found["hits"].as_array().unwrap();
    hits.iter().map(|hit| format!("{} {}", text(hit, "/kind"), text(hit, "/identifier"))).collect()
}

async fn names(caller: &Caller, query: &str) -> Vec<String> {
    let found = caller.list("meshProject", query).await;
    found.iter().map(|project| text(project, "/metadata/name")).collect()
}

fn project(workspace: &str, (name, display_name): (&str, &str)) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": workspace },
        "spec": { "displayName": display_name },
    })
}

async fn orchard(stoa: &Stoa) {
    stoa.workspace("orchard").await;
    for names in [("press", "Cider Press"), ("cider", "Shed"), ("till", "100% Obstwäge")] {
        stoa.admin.create("meshProject", &project("orchard", names)).await;
    }
}

on_both! {
    async fn lists_keep_to_a_text_and_come_in_order(stoa) {
        orchard(&stoa).await;
        assert_eq!(names(&stoa.admin, "?q=CIDER").await, ["press", "cider"]);
        assert_eq!(names(&stoa.admin, "?q=obstw%C3%84ge").await, ["till"]);
        assert_eq!(names(&stoa.admin, "?q=0%25%20o").await, ["till"], "special letters mean themselves");
        assert!(names(&stoa.admin, "?q=0_o").await.is_empty());
        assert!(names(&stoa.admin, "?q=x%0Ay%27%22").await.is_empty());
        assert_eq!(names(&stoa.admin, "?sort=-createdOn").await, ["till", "cider", "press"]);
        assert_eq!(names(&stoa.admin, "?sort=name").await, ["till", "press", "cider"]);
        assert_eq!(names(&stoa.admin, "?sort=-name&size=1&page=1").await, ["press"]);
        assert_eq!(names(&stoa.admin, "?q=cider&sort=name&workspaceIdentifier=orchard").await, ["press", "cider"]);
        assert_eq!(names(&stoa.admin, "?sort=size").await, ["press", "cider", "till"]);

        let changed = project("orchard", ("till", "Cider Till"));
        stoa.admin.put("meshProject", "/orchard.till", &changed).await.expect(200);
        assert_eq!(names(&stoa.admin, "?q=cider%20t").await, ["till"]);
        assert!(names(&stoa.admin, "?q=100%25").await.is_empty());
    }

    async fn counting_ends_where_it_is_asked_to(stoa) {
        orchard(&stoa).await;
        let asked = async |query: &str| {
            let found = stoa.admin.get("meshProject", query).await.expect(200);
            let links = found["_links"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
            (found["page"]["totalElements"].as_i64().unwrap(), found["page"]["more"] == true, links)
        };
        assert_eq!(asked("?size=1&countUpTo=2").await, (2, true, "first self next".into()));
        assert_eq!(asked("?size=1&countUpTo=2&page=1").await, (2, true, "first prev self next".into()));
        assert_eq!(asked("?size=1&countUpTo=3").await, (3, false, "first self next last".into()));
        assert_eq!(asked("?size=1&countUpTo=2&page=9").await, (2, true, "first prev self".into()));
        assert_eq!(asked("?countUpTo=2").await, (2, true, "self".into()), "the page itself tells of three");
        for nonsense in ["0", "-1", "x", "99999999999"] {
            assert_eq!(asked(&format!("?size=1&countUpTo={nonsense}")).await.0, 3);
        }
        for path in ["/api/meshobjects/mesheventlogs", "/api/stoa/v1/runs", "/api/stoa/v1/workspaces/orchard/team"] {
            let media = "application/vnd.meshcloud.api.mesheventlog.v1-preview.hal+json";
            let accept = if path.contains("eventlog") { media } else { "application/json" };
            let path = format!("{path}?size=1&countUpTo=1");
            let found = stoa.admin.raw(Method::GET, &path, |r| r.header("accept", accept)).await.expect(200);
            assert!(found["page"]["totalElements"].as_i64().unwrap() <= 1, "{found}");
        }
    }

    async fn events_and_runs_are_searched_too(stoa) {
        orchard(&stoa).await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "orchard", json!({})).await;
        let events = stoa.admin.list("meshEventLog", "?q=project%20created&sort=-createdOn").await;
        let times: Vec<String> = events.iter().map(|event| text(event, "/metadata/createdAt")).collect();
        assert!(times.len() == 3 && times.is_sorted_by(|one, next| one >= next), "{times:?}");
        assert_eq!(stoa.admin.list("meshBuildingBlockRun", "?q=A%20BLO").await.len(), 1);
        assert!(stoa.admin.list("meshBuildingBlockRun", "?q=nothing").await.is_empty());
    }

    async fn one_search_goes_over_all_kinds_best_first(stoa) {
        orchard(&stoa).await;
        let admin = &stoa.admin;
        assert_eq!(
            hits(admin, "q=cider").await,
            ["meshProject cider", "meshProject press"],
            "what is called so comes before what begins so"
        );
        assert_eq!(hits(admin, "q=orchard&limit=1").await, ["meshWorkspace orchard"]);
        assert!(hits(admin, "q=orchard&kind=meshProject").await.len() == 3);
        stoa.admin.create("meshUser", &json!({
            "metadata": { "name": "lea" },
            "spec": { "email": "lea@orchard.example", "firstName": "Lea", "lastName": "Apfel" },
        })).await;
        assert_eq!(hits(admin, "q=lea%20apf").await, ["meshUser lea"]);
        assert_eq!(hits(admin, "q=lea@").await, ["meshUser lea"]);
        admin.raw(Method::GET, "/api/stoa/v1/search?q=%20", |r| r).await.refused(400, "must hold");

        // Nobody finds what they may not read.
        stoa.workspace("rival").await;
        let rival = stoa.key("rival", &["PROJECT_LIST", "WORKSPACE_LIST"]).await;
        assert!(hits(&rival, "q=cider").await.is_empty());
        assert_eq!(hits(&rival, "q=rival").await, ["meshWorkspace rival"]);
        let lea = stoa.person("max").await;
        stoa.bind("max", "Workspace Member", "orchard").await;
        let bound = json!({
            "roleRef": { "name": "reader" }, "subject": { "name": "max" },
            "targetRef": { "name": "press", "ownedByWorkspace": "orchard" },
        });
        stoa.admin.create("meshProjectUserBinding", &bound).await;
        assert_eq!(hits(&lea.within("orchard"), "q=cider").await, ["meshProject press"]);
    }

    async fn a_uuid_leads_to_its_object(stoa) {
        orchard(&stoa).await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let block = text(&stoa.order(&stoa.admin, &version, "orchard", json!({})).await, "/metadata/uuid");
        let run = text(&stoa.admin.list("meshBuildingBlockRun", "").await[0], "/metadata/uuid");
        let resolve = |uuid: &str| format!("/api/stoa/v1/resolve/{uuid}");
        let found = ask(&stoa.admin, &resolve(&block)).await;
        assert_eq!((text(&found, "/kind"), text(&found, "/workspace")), ("meshBuildingBlock".into(), "orchard".into()));
        let found = ask(&stoa.admin, &resolve(&version)).await;
        assert_eq!(text(&found, "/partOf"), definition);
        let found = ask(&stoa.admin, &resolve(&run)).await;
        assert_eq!((text(&found, "/partOf"), text(&found, "/kind")), (block.clone(), "meshBuildingBlockRun".into()));
        stoa.workspace("rival").await;
        let rival = stoa.key("rival", &["BUILDINGBLOCK_LIST", "PROJECT_LIST", "MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        for uuid in [&block, &run, "garbage"] {
            rival.raw(Method::GET, &resolve(uuid), |r| r).await.refused(404, "nothing with the uuid");
        }
    }

    async fn an_objects_history_tells_what_changed(stoa) {
        orchard(&stoa).await;
        let changed = project("orchard", ("till", "Till"));
        stoa.admin.put("meshProject", "/orchard.till", &changed).await.expect(200);
        let found = ask(&stoa.admin, "/api/stoa/v1/search?q=till&kind=meshProject").await;
        let path = format!("/api/stoa/v1/objects/{}/history", text(&found, "/hits/0/uuid"));
        let past = ask(&stoa.admin, &path).await;
        assert_eq!(past["versions"].as_array().unwrap().len(), 2);
        assert_eq!(
            past["versions"][0]["changes"],
            json!([{ "path": "displayName", "before": "100% Obstwäge", "after": "Till" }])
        );
        assert_eq!(text(&past, "/versions/0/author/authorType"), "ApiKey");
        assert_eq!(past["versions"][1]["changes"], json!([]));
        let blind = stoa.key("orchard", &["PROJECT_LIST"]).await;
        blind.raw(Method::GET, &path, |r| r).await.expect(403);
        stoa.workspace("rival").await;
        let rival = stoa.key("rival", &["PROJECT_LIST", "EVENTLOG_LIST"]).await;
        rival.raw(Method::GET, &path, |r| r).await.expect(404);
    }
}
