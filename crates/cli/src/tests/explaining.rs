//! `stoa explain` and `stoa reference` on a small description.

use super::standin::{Answer, StandIn};
use super::{Outcome, stoa};
use serde_json::{Value, json};

/// A description with one kind in two versions.
fn description() -> Value {
    let media = |version: &str| format!("application/vnd.meshcloud.api.meshtree.{version}.hal+json");
    let schema = |name: &str| json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
    let shown = json!({ "schema": { "allOf": [
        { "$ref": "#/components/schemas/Tree" },
        { "type": "object", "properties": { "status": { "$ref": "#/components/schemas/Status" } } },
    ] } });
    json!({
        "openapi": "3.1.0",
        "paths": {
            "/api/meshobjects/meshtrees": {
                "get": { "summary": "List", "tags": ["meshTree"], "responses": { "200": { "description": "Done" } },
                    "parameters": [{ "name": "height", "in": "query", "description": "How high | exactly" }] },
                "post": { "summary": "Create", "tags": ["meshTree"], "x-permissions": ["TREE_SAVE", "ADM_TREE_SAVE"],
                    "responses": { "201": { "description": "Created" } },
                    "requestBody": { "content": {
                        (media("v1")): schema("Shrub"),
                        (media("v2")): { "schema": { "$ref": "#/components/schemas/Tree" },
                            "example": { "spec": { "height": 3 } } },
                    } } },
            },
            "/api/meshobjects/meshtrees/{name}": { "get": { "summary": "Get one", "tags": ["meshTree"],
                "responses": { "200": { "description": "Done", "content": { (media("v1")): schema("Shrub"), (media("v2")): shown } } } } },
            "/livez": { "get": { "summary": "Alive", "tags": ["system"], "responses": { "200": { "description": "Done" } } } },
        },
        "components": { "schemas": {
            "Shrub": { "type": "object", "properties": { "spec": { "type": "object" } } },
            "Tree": { "type": "object", "description": "Wood that grows.", "required": ["spec"],
                "properties": { "spec": { "$ref": "#/components/schemas/TreeSpec", "description": "Declared part." } } },
            "TreeSpec": { "type": "object", "description": "Unseen.", "required": ["height"], "properties": {
                "height": { "type": "integer", "format": "int64", "minimum": 1, "description": "In metres." },
                "kind": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Wood", "description": "Which <wood>." }] },
                "leaves": { "type": ["object", "null"], "description": "By colour.",
                    "additionalProperties": { "type": "array", "items": { "$ref": "#/components/schemas/Leaf" } } },
            } },
            "Wood": { "type": "string", "enum": ["OAK", "PINE"] },
            "Leaf": { "type": "object", "required": ["size"], "properties": { "size": { "type": "number", "description": "In cm." } } },
            "Status": { "type": "object", "properties": { "age": { "type": "integer", "description": "In years." } } },
        } },
    })
}

async fn explained(words: &[&str]) -> Outcome {
    let server = StandIn::start().await;
    server.answer("GET /api/openapi.json", Answer::Json(200, description()));
    stoa(&server, &[&["explain"], words].concat()).await
}

#[tokio::test]
async fn a_kind_is_told_with_its_fields() {
    let outcome = explained(&["meshtree"]).await;
    assert_eq!(
        outcome,
        Outcome::new(
            0,
            "KIND      meshTree\nVERSION   v2 (also v1)\nPATH      /api/meshobjects/meshtrees\n\n\
             DESCRIPTION\n  Wood that grows.\n\n\
             FIELDS\n  spec  <object>  required\n      Declared part.\n  status  <object>  set by the server\n",
            ""
        )
    );
    let older = explained(&["meshTree.spec", "--api-version", "v1"]).await;
    assert_eq!(older.out, "KIND      meshTree\nVERSION   v1 (also v2)\nFIELD     spec <object>\n");
}

#[tokio::test]
async fn a_field_is_told_with_type_values_and_rules() {
    let outcome = explained(&["meshTree.spec"]).await;
    assert_eq!(
        outcome.out,
        "KIND      meshTree\nVERSION   v2 (also v1)\nFIELD     spec <object>, required\n\n\
         DESCRIPTION\n  Declared part.\n\n\
         FIELDS\n  height  <integer>  required\n      In metres.\n  \
         kind  <string>\n      Which <wood>.\n      one of OAK, PINE\n  \
         leaves  <map of list of object>\n      By colour.\n"
    );
    let height = explained(&["meshTree.spec.height"]).await;
    assert!(height.out.ends_with("DESCRIPTION\n  In metres.\n\nRULES\n  minimum: 1\n"), "{}", height.out);
    let kind = explained(&["meshTree.spec.kind"]).await;
    assert!(kind.out.ends_with("\nVALUES\n  OAK\n  PINE\n"), "{}", kind.out);
    // Entries of maps have names that people choose; lists are passed through.
    for path in ["meshTree.spec.leaves.green.size", "meshTree.spec.leaves.*.size"] {
        let size = explained(&[path]).await;
        assert!(size.out.contains("<number>, required") && size.out.contains("In cm."), "{}", size.out);
    }
    let told = explained(&["meshTree.spec.kind", "-o", "json"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&told.out).unwrap(),
        json!({ "kind": "meshTree", "version": "v2", "versions": ["v1", "v2"], "field": "spec.kind",
            "type": "string", "required": false, "description": "Which <wood>.", "enum": ["OAK", "PINE"], "fields": [] })
    );
}

#[tokio::test]
async fn what_is_unknown_is_answered_with_what_is_near() {
    for (asked, says) in [
        (vec!["meshtre"], "there is no kind `meshtre`; did you mean `meshTree`"),
        (vec!["cathedral"], "there is no kind `cathedral`; there are `meshTree`"),
        (vec!["meshTree.spec.hieght"], "`meshTree.spec` has no field `hieght`; did you mean `height`?"),
        (vec!["meshTree.spec.colour"], "has no field `colour`; there are `height`, `kind`, `leaves`"),
        (vec!["meshTree.spec.height.x"], "`meshTree.spec.height` is an integer and has no fields, so no `x`"),
        (vec!["meshTree", "--api-version", "v9"], "meshTree has no version `v9`; there is v1, v2"),
    ] {
        let outcome = explained(&asked).await;
        assert_eq!(outcome.code, 64, "{outcome:?}");
        assert!(outcome.err.contains(says), "no `{says}` in {}", outcome.err);
    }
}

#[tokio::test]
async fn pages_hold_paths_filters_fields_and_examples() {
    let server = StandIn::start().await;
    server.answer("GET /api/openapi.json", Answer::Json(200, description()));
    let folder = tempfile::tempdir().unwrap();
    let (into, summary) = (folder.path().join("reference"), folder.path().join("SUMMARY.md"));
    std::fs::write(&summary, "# Summary\n").unwrap();
    let words = ["reference", "--into", into.to_str().unwrap(), "--summary", summary.to_str().unwrap()];
    let outcome = stoa(&server, &words).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let page = std::fs::read_to_string(into.join("meshtree.md")).unwrap();
    for line in [
        "# meshTree",
        "Wood that grows.",
        "| POST | `/api/meshobjects/meshtrees` | Create | `TREE_SAVE` or `ADM_TREE_SAVE` | 201 |",
        "| `height` | How high \\| exactly |",
        "## Fields in v2",
        "| `spec.height` | integer | required | In metres. minimum: `1`. |",
        "| `spec.kind` | string |  | Which &lt;wood>. One of `OAK`, `PINE`. |",
        "| `spec.leaves.*.size` | number | required | In cm. |",
        "| `status.age` | integer | server | In years. |",
        "## Example: POST `/api/meshobjects/meshtrees`",
    ] {
        assert!(page.lines().any(|one| one == line), "no `{line}` in\n{page}");
    }
    let overview = std::fs::read_to_string(into.join("README.md")).unwrap();
    assert!(
        overview.contains("| [meshTree](meshtree.md) | v1, v2 | `/api/meshobjects/meshtrees` |"),
        "{overview}"
    );
    assert!(overview.contains("- [system](system.md)"), "{overview}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("  - [meshTree](reference/meshtree.md)\n"), "{summary}");
}
