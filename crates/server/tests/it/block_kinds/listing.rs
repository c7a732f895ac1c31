//! §4.5: filters of blocks, and who sees which.

use crate::on_both;
use crate::stoa::{Caller, Stoa, block_body, text};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";

async fn names(caller: &Caller, query: &str) -> Vec<String> {
    caller.list(BLOCK, query).await.iter().map(|block| text(block, "/spec/displayName")).collect()
}

async fn named(stoa: &Stoa, version: &str, workspace: &str, name: &str) -> Value {
    let mut body = block_body(version, workspace, json!({}));
    body["spec"]["displayName"] = json!(name);
    stoa.admin.create(BLOCK, &body).await
}

on_both! {
    async fn every_filter_matches_exactly_and_together(stoa) {
        for name in ["shop", "press", "data"] {
            stoa.workspace(name).await;
        }
        let (ours, our_version) = stoa.definition("demo-partner", json!({})).await;
        let (theirs, their_version) = stoa.definition("data", json!({})).await;
        named(&stoa, &our_version, "shop", "a").await;
        named(&stoa, &our_version, "press", "b").await;
        named(&stoa, &their_version, "shop", "c").await;
        stoa.claim().await.end("SUCCEEDED").await;
        for (query, expected) in [
            (String::new(), &["a", "b", "c"][..]),
            ("?workspaceIdentifier=shop".into(), &["a", "c"]),
            ("?workspaceIdentifier=nobody".into(), &[]),
            ("?name=b".into(), &["b"]),
            ("?name=B".into(), &[]),
            (format!("?definitionUuid={ours}"), &["a", "b"]),
            (format!("?versionUuid={their_version}"), &["c"]),
            ("?versionNumber=1".into(), &["a", "b", "c"]),
            ("?versionNumber=v1".into(), &["a", "b", "c"]),
            ("?versionNumber=v2".into(), &[]),
            ("?targetRefKind=meshWorkspace".into(), &["a", "b", "c"]),
            ("?targetRefKind=meshTenant".into(), &[]),
            ("?tenantUuid=00000000-0000-4000-8000-000000000000".into(), &[]),
            ("?projectIdentifier=p".into(), &[]),
            ("?platformIdentifier=p.l".into(), &[]),
            ("?status=SUCCEEDED".into(), &["a"]),
            ("?status=PENDING".into(), &["b", "c"]),
            ("?status=WAITING_FOR_APPROVAL".into(), &[]),
            ("?managedByWorkspaceIdentifier=data".into(), &["c"]),
            (format!("?managedByDefinitionUuid={ours}"), &["a", "b"]),
            (format!("?workspaceIdentifier=shop&definitionUuid={ours}&status=SUCCEEDED"), &["a"]),
            (format!("?definitionUuid={ours}&managedByDefinitionUuid={theirs}"), &[]),
            ("?unknown=x".into(), &["a", "b", "c"]),
            ("?name=".into(), &["a", "b", "c"]),
        ] {
            assert_eq!(names(&stoa.admin, &query).await, expected, "{query}");
        }
        stoa.admin.get(BLOCK, "?status=DONE").await.refused(400, "status");
        let pages = stoa.admin.get(BLOCK, "?size=2&page=1").await.expect(200);
        assert_eq!(pages["page"], json!({ "size": 2, "totalElements": 3, "totalPages": 2, "number": 1 }));
    }

    async fn consumers_see_their_own_and_operators_what_they_offer(stoa) {
        for name in ["shop", "press", "data"] {
            stoa.workspace(name).await;
        }
        let (_, version) = stoa.definition("data", json!({})).await;
        let (_, other) = stoa.definition("demo-partner", json!({})).await;
        let a = named(&stoa, &version, "shop", "a").await;
        named(&stoa, &version, "press", "b").await;
        named(&stoa, &other, "shop", "c").await;
        named(&stoa, &other, "data", "d").await;
        let shop = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let operator = stoa.key("data", &["MANAGED_BUILDINGBLOCK_LIST"]).await;
        let both = stoa.key("data", &["MANAGED_BUILDINGBLOCK_LIST", "BUILDINGBLOCK_LIST"]).await;
        assert_eq!(names(&shop, "").await, ["a", "c"]);
        assert_eq!(names(&shop, "?workspaceIdentifier=press").await, [""; 0]);
        assert_eq!(names(&operator, "").await, ["a", "b"]);
        assert_eq!(names(&operator, "?managedByWorkspaceIdentifier=data").await, ["a", "b"]);
        assert_eq!(names(&operator, "?managedByWorkspaceIdentifier=demo-partner").await, [""; 0]);
        assert_eq!(names(&both, "").await, ["a", "b", "d"]);
        assert_eq!(names(&both, "?managedByWorkspaceIdentifier=data").await, ["a", "b"]);
        shop.get(BLOCK, "?managedByWorkspaceIdentifier=data")
            .await
            .refused(403, "MANAGED_BUILDINGBLOCK_LIST");
        let path = format!("/{}", text(&a, "/metadata/uuid"));
        operator.get(BLOCK, &path).await.expect(200);
        let stranger = stoa.key("press", &["BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCK_LIST"]).await;
        stranger.get(BLOCK, &path).await.refused(403, "");
        stoa.key("shop", &["BUILDINGBLOCK_SAVE"])
            .await
            .get(BLOCK, "")
            .await
            .refused(403, "BUILDINGBLOCK_LIST");
    }
}
