//! Rules of the import that need no database.

use super::importer::{identify, label};
use super::*;

fn table() -> Vec<Importer> {
    let versions = &[("v2", "v2"), ("v1", "v2")];
    vec![
        Importer::later("meshUser", versions, by_name),
        Importer::later("meshProject", &[("v2", "v2")], in_workspace),
        Importer::later("meshWorkspaceUserBinding", versions, by_name).reshaped(binding),
    ]
}

#[test]
fn objects_are_told_by_kind_version_and_key() {
    let why = |object: Value| identify(&table(), &object).unwrap_err().to_string();
    assert!(why(json!("x")).contains("must be an object"));
    assert!(why(json!({})).starts_with("`kind`"));
    assert!(why(json!({ "kind": "meshPlatform" })).contains("cannot be imported"));
    assert!(why(json!({ "kind": "meshProject", "apiVersion": "v1" })).contains("must be v2"));
    assert!(why(json!({ "kind": "meshProject", "metadata": { "name": "x" } })).starts_with("`metadata`"));
    let project = json!({ "kind": "meshProject", "metadata": { "name": "x", "ownedByWorkspace": "w" } });
    let (place, id) = identify(&table(), &project).unwrap();
    assert_eq!((place, id.as_str()), (1, "w.x"));
    assert_eq!(label(&project, Some(&id)), "meshProject[w.x]");
    assert_eq!(label(&json!({ "kind": "meshUser" }), None), "meshUser[?]");
    assert_eq!(label(&json!([]), None), "?[?]");
}

#[test]
fn older_bindings_stand_for_one_per_subject() {
    let old = json!({
        "kind": "meshWorkspaceUserBinding", "apiVersion": "v1", "roleRef": { "name": "Workspace Member" },
        "targetRef": { "name": "orchard" }, "subjects": [{ "name": "lea" }, { "name": "tom" }],
    });
    let bound = binding(&old, "v1");
    assert_eq!(bound.len(), 2);
    assert_ne!(bound[0].0, bound[1].0);
    assert_eq!(bound, binding(&old, "v1"), "names are stable");
    for ((name, binding), subject) in bound.iter().zip(["lea", "tom"]) {
        assert!(name.len() <= 45 && binding["metadata"]["name"] == json!(name));
        assert_eq!(binding["subject"]["name"], subject);
        assert!(binding.get("subjects").is_none() && binding.get("apiVersion").is_none());
    }
    let new = json!({ "metadata": { "name": "mine" }, "subject": { "name": "lea" } });
    assert_eq!(binding(&new, "v2")[0].0, "mine");
    assert!(binding(&json!({ "subjects": [] }), "v1").is_empty());
}

#[test]
fn a_workspace_of_v1_brings_its_tags_along() {
    let old = json!({ "apiVersion": "v1", "metadata": { "name": "w" }, "spec": { "displayName": "W", "tags": { "a": ["b"] } } });
    let (name, new) = workspace(&old, "v1").remove(0);
    assert_eq!(name, "w");
    assert_eq!(new["metadata"]["tags"], json!({ "a": ["b"] }));
    assert_eq!(new["spec"], json!({ "displayName": "W" }));
    assert!(workspace(&old, "v2").is_empty());
}

#[test]
fn documents_are_arrays_or_yaml() {
    let read = |content: &str, body: &str| {
        let mut request = Request { raw: body.to_owned().into(), ..Request::default() };
        request.headers.insert(CONTENT_TYPE, content.parse().unwrap());
        parse(&request)
    };
    assert_eq!(read(ANSWER, "[{}, 1]").unwrap().len(), 2);
    assert!(read(ANSWER, "{}").is_err() && read(ANSWER, "[").is_err());
    let yaml = format!("{YAML};charset=UTF-8");
    let documents = read(&yaml, "---\nkind: a\n---\n# nothing\n---\nkind: b\non: yes\n").unwrap();
    assert_eq!(documents, [json!({ "kind": "a" }), json!({ "kind": "b", "on": "yes" })]);
    assert!(read(&yaml, "a: [").is_err());
    let many = "---\nkind: meshUser\nmetadata:\n  name: lea\n".repeat(3000);
    assert_eq!(read(&yaml, &many).unwrap().len(), 3000);
    // A bomb of aliases does not go off.
    let bomb: String = (1..30)
        .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    assert!(read(&yaml, &bomb).is_err());
}
