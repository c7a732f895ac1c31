//! Tags on objects, admitted against their definitions (`api-core.md` §1.13). The rules themselves are tested
//! beside them, in the kernel; here it is that every kind asks them, and what deletion does.

use super::{names, with};
use crate::on_both;
use crate::stoa::{Caller, Stoa, text};
use serde_json::{Value, json};
use std::time::Duration;

/// A kind with tags: where they are, a body, and the id of what that body makes.
struct Tagged {
    kind: &'static str,
    target: &'static str,
    at: &'static str,
    injected: bool,
}

const KINDS: [Tagged; 7] = [
    Tagged { kind: "meshWorkspace", target: "meshWorkspace", at: "/metadata/tags", injected: false },
    Tagged { kind: "meshProject", target: "meshProject", at: "/spec/tags", injected: true },
    Tagged {
        kind: "meshBuildingBlockDefinition",
        target: "meshBuildingBlockDefinition",
        at: "/metadata/tags",
        injected: true,
    },
    Tagged { kind: "meshLandingZone", target: "meshLandingZone", at: "/metadata/tags", injected: true },
    Tagged { kind: "meshPaymentMethod", target: "meshPaymentMethod", at: "/spec/tags", injected: false },
    Tagged { kind: "meshProjectRole", target: "meshProjectRole", at: "/metadata/tags", injected: false },
    Tagged { kind: "meshUser", target: "meshPrincipal", at: "/spec/tags", injected: false },
];

impl Tagged {
    fn body(&self, (name, platform): (&str, &str), tags: Value) -> Value {
        let body = match self.kind {
            "meshWorkspace" => json!({ "metadata": { "name": name }, "spec": { "displayName": "W" } }),
            "meshProject" => json!({
                "metadata": { "name": name, "ownedByWorkspace": "shop" }, "spec": { "displayName": "P" },
            }),
            "meshPaymentMethod" => json!({
                "metadata": { "name": name, "ownedByWorkspace": "shop" }, "spec": { "displayName": "P" },
            }),
            "meshProjectRole" => json!({ "metadata": { "name": name }, "spec": { "name": name, "rank": 1 } }),
            "meshLandingZone" => json!({
                "metadata": { "name": name, "ownedByWorkspace": "shop" },
                "spec": {
                    "displayName": "Z", "description": "", "automateDeletionApproval": false,
                    "automateDeletionReplication": false, "platformRef": { "uuid": platform },
                    "platformProperties": { "type": "custom", "custom": {} },
                },
            }),
            "meshUser" => json!({
                "metadata": { "name": name }, "spec": { "email": "a@b.example", "firstName": "L", "lastName": "A" },
            }),
            _ => json!({
                "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": name, "description": "d" },
            }),
        };
        with(body, self.at, tags)
    }

    fn path(&self, made: &Value) -> String {
        match self.kind {
            "meshProject" => format!("/shop.{}", text(made, "/metadata/name")),
            "meshWorkspace" | "meshUser" | "meshPaymentMethod" | "meshProjectRole" | "meshLandingZone" => {
                format!("/{}", text(made, "/metadata/name"))
            }
            _ => format!("/{}", text(made, "/metadata/uuid")),
        }
    }

    /// The dotted path of a tag.
    fn field(&self, key: &str) -> String {
        format!("{}.{key}", self.at[1..].replace('/', "."))
    }

    fn tags(&self, object: &Value) -> Value {
        object.pointer(self.at).cloned().unwrap_or_default()
    }
}

/// The workspace `shop` with a platform, whose uuid it is.
async fn ground(stoa: &Stoa) -> String {
    stoa.workspace("shop").await;
    let location = json!({
        "metadata": { "name": "dc", "ownedByWorkspace": "shop" }, "spec": { "displayName": "D", "description": "" },
    });
    stoa.admin.create("meshLocation", &location).await;
    let platform = json!({
        "metadata": { "name": "p", "ownedByWorkspace": "shop" },
        "spec": {
            "displayName": "P", "description": "", "endpoint": "", "locationRef": { "name": "dc" },
            "availability": {
                "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": ["shop"],
            },
            "config": { "type": "custom", "custom": { "platformTypeRef": { "name": "STACKIT" } } },
        },
    });
    text(&stoa.admin.create("meshPlatform", &platform).await, "/metadata/uuid")
}

/// A caller who may write in `shop`, without being an administrator of it.
async fn team(stoa: &Stoa) -> Caller {
    stoa.key(
        "shop",
        &[
            "WORKSPACE_SAVE",
            "PROJECT_SAVE",
            "PROJECT_LIST",
            "BUILDINGBLOCKDEFINITION_SAVE",
            "LANDINGZONE_SAVE",
        ],
    )
    .await
}

on_both! {
    async fn every_kind_admits_them_against_its_own_definitions(stoa) {
        let platform = ground(&stoa).await;
        for tagged in &KINDS {
            let (kind, target) = (tagged.kind, tagged.target);
            stoa.tag(target, "count", json!({ "integer": {} }), &[]).await;
            stoa.tag(target, "class", json!({ "string": { "defaultValue": "internal" } }), &["restricted"]).await;
            stoa.tag(target, "fixed", json!({ "string": {} }), &["immutable"]).await;
            let given = json!({ "count": [7, "8", 7], "fixed": ["f"], "none": [] });
            let made = stoa.admin.create(kind, &tagged.body(("one", &platform), given)).await;
            let mut expected = json!({ "count": ["7", "8", "7"], "fixed": ["f"] });
            if tagged.injected {
                expected["class"] = json!(["internal"]);
            }
            assert_eq!(tagged.tags(&made), expected, "{kind}");
            let path = tagged.path(&made);
            assert_eq!(stoa.admin.get(kind, &path).await.expect(200), made, "{kind}");
            // What was read is taken back, and is no change.
            let before = stoa.admin.list("meshEventLog", "?size=1000").await.len();
            assert_eq!(stoa.admin.put(kind, &path, &made).await.expect(200), made, "{kind}");
            assert_eq!(stoa.admin.list("meshEventLog", "?size=1000").await.len(), before, "{kind}");

            let put = async |tags: Value| stoa.admin.put(kind, &path, &with(made.clone(), tagged.at, tags)).await;
            names(put(json!({ "count": ["x"], "fixed": ["f"] })).await, &tagged.field("count"));
            names(put(json!({ "fixed": ["g"] })).await, &tagged.field("fixed"));
            names(put(json!({})).await, &tagged.field("fixed"));
            if target == "meshPrincipal" {
                let free = put(json!({ "fixed": ["f"], "whatever": [1] })).await.expect(200);
                assert_eq!(tagged.tags(&free), json!({ "fixed": ["f"], "whatever": ["1"] }));
            } else {
                names(put(json!({ "fixed": ["f"], "whatever": [1] })).await, &tagged.field("whatever"));
            }
            // The administrator sets what is restricted; silence keeps it, an empty list clears it.
            let set = put(json!({ "fixed": ["f"], "class": ["secret"] })).await.expect(200);
            assert_eq!(tagged.tags(&set)["class"], json!(["secret"]), "{kind}");
            let kept = put(json!({ "fixed": ["f"] })).await.expect(200);
            assert_eq!(tagged.tags(&kept), json!({ "fixed": ["f"], "class": ["secret"] }), "{kind}");
            let cleared = put(json!({ "fixed": ["f"], "class": [] })).await.expect(200);
            assert_eq!(tagged.tags(&cleared), json!({ "fixed": ["f"] }), "{kind}");

            // A mandatory definition that comes later counts at the next write.
            stoa.tag(target, "must", json!({ "string": {} }), &["mandatory"]).await;
            assert_eq!(stoa.admin.get(kind, &path).await.expect(200), cleared);
            names(stoa.admin.put(kind, &path, &cleared).await, &tagged.field("must"));
            names(stoa.admin.post(kind, "", &tagged.body(("two", &platform), json!({}))).await, &tagged.field("must"));
            names(stoa.admin.post(kind, "", &tagged.body(("two", &platform), json!({ "must": [] }))).await, &tagged.field("must"));
            put(json!({ "fixed": ["f"], "must": ["m"] })).await.expect(200);
        }
    }

    async fn teams_do_not_touch_what_is_restricted(stoa) {
        let platform = ground(&stoa).await;
        let team = team(&stoa).await;
        for tagged in KINDS.iter().filter(|tagged| !["meshUser", "meshPaymentMethod", "meshProjectRole"].contains(&tagged.kind)) {
            let (kind, own) = (tagged.kind, tagged.kind == "meshWorkspace");
            // For landing zones it is a matter of validity (`api-platforms.md` §6.4).
            let status = if kind == "meshLandingZone" { 400 } else { 403 };
            stoa.tag(tagged.target, "class", json!({ "string": { "defaultValue": "internal" } }), &["restricted"]).await;
            stoa.tags(tagged.target, &["free"]).await;
            let made = if own {
                stoa.admin.get(kind, "/shop").await.expect(200)
            } else {
                for given in [json!({}), json!({ "class": [] }), json!({ "class": ["internal"] })] {
                    let made = team.create(kind, &tagged.body((&format!("x{}", given.to_string().len()), &platform), given)).await;
                    assert_eq!(tagged.tags(&made), json!({ "class": ["internal"] }));
                }
                let given = json!({ "class": ["secret"] });
                team.post(kind, "", &tagged.body(("one", &platform), given)).await.refused(status, &tagged.field("class"));
                team.create(kind, &tagged.body(("one", &platform), json!({ "free": ["x"] }))).await
            };
            let path = tagged.path(&made);
            let tagged_with = |tags: Value| with(made.clone(), tagged.at, tags);
            stoa.admin.put(kind, &path, &tagged_with(json!({ "class": ["secret"] }))).await.expect(200);
            // The team takes it back as it was read, or leaves it out.
            for given in [json!({ "class": ["secret"], "free": ["y"] }), json!({ "free": ["z"] })] {
                let free = given["free"].clone();
                let changed = team.put(kind, &path, &tagged_with(given)).await.expect(200);
                assert_eq!(tagged.tags(&changed), json!({ "class": ["secret"], "free": free }));
            }
            for given in [json!({ "class": [] }), json!({ "class": ["secret", "secret"] })] {
                team.put(kind, &path, &tagged_with(given)).await.refused(status, &tagged.field("class"));
            }
        }
    }

    async fn what_definitions_no_longer_take_stays_where_it_is(stoa) {
        stoa.workspace("shop").await;
        let options = |list: &[&str]| json!({ "multiSelect": { "options": list } });
        let definition = stoa.tag("meshWorkspace", "zone", options(&["a", "b"]), &[]).await;
        let tagged = |tags: Value| KINDS[0].body(("shop", ""), tags);
        let put = async |tags: Value| stoa.admin.put("meshWorkspace", "/shop", &tagged(tags)).await;
        put(json!({ "zone": ["b", "a"] })).await.expect(200);
        let fewer = with(definition, "/spec/valueType", options(&["a", "c"]));
        stoa.admin.put("meshTagDefinition", "/meshWorkspace.zone", &fewer).await.expect(200);
        let shown = put(json!({ "zone": ["b", "a"] })).await.expect(200);
        assert_eq!(shown["metadata"]["tags"], json!({ "zone": ["b", "a"] }));
        names(put(json!({ "zone": ["b"] })).await, "metadata.tags.zone");
        put(json!({ "zone": ["c"] })).await.expect(200);
    }

    async fn values_go_with_their_definition(stoa) {
        let platform = ground(&stoa).await;
        for tagged in &KINDS {
            stoa.tags(tagged.target, &["gone", "stays"]).await;
        }
        let tags = json!({ "gone": ["x"], "stays": ["y"] });
        let mut made = Vec::new();
        for tagged in &KINDS {
            for name in ["one", "two", "dead"] {
                let object = stoa.admin.create(tagged.kind, &tagged.body((name, &platform), tags.clone())).await;
                made.push((tagged, name, tagged.path(&object)));
            }
        }
        stoa.admin.delete("meshWorkspace", "/dead").await.expect(204);
        let version = async |kind: &str| {
            stoa.admin.list("meshEventLog", &format!("?title={kind}%20Tags%20Changed")).await.len()
        };
        for tagged in &KINDS {
            stoa.admin.delete("meshTagDefinition", &format!("/{}.gone", tagged.target)).await.expect(204);
        }
        for (tagged, name, path) in made {
            let shown = stoa.admin.get(tagged.kind, &path).await.expect(200);
            assert_eq!(tagged.tags(&shown), json!({ "stays": ["y"] }), "{} {name}", tagged.kind);
            if name != "dead" || tagged.kind != "meshWorkspace" {
                assert_eq!(stoa.admin.put(tagged.kind, &path, &shown).await.expect(200), shown);
            }
        }
        // Each living one tells of it.
        assert_eq!((version("Workspace").await, version("Project").await), (2, 3));
        let told = stoa.admin.list("meshEventLog", "?title=Project%20Tags%20Changed").await.remove(0);
        assert_eq!(told["spec"]["previousContent"]["tags"], tags);
        assert_eq!(told["spec"]["content"]["tags"], json!({ "stays": ["y"] }));
        // A definition of the same name begins from nothing.
        stoa.tag("meshProject", "gone", json!({ "integer": {} }), &[]).await;
        let all = stoa.admin.list("meshProject", "").await;
        assert!(all.iter().all(|project| project["spec"]["tags"] == json!({ "stays": ["y"] })));
    }

    async fn very_many_values_go_soon(stoa) {
        stoa.tags("meshPrincipal", &["gone"]).await;
        let user = |n: usize| json!({
            "metadata": { "name": format!("u{n}") },
            "spec": { "email": "a@b.example", "firstName": "L", "lastName": "A", "tags": { "gone": ["x"], "free": ["y"] } },
        });
        for chunk in 0..26 {
            let all = (0..40).map(|n| {
                let (admin, body) = (stoa.admin.clone(), user(chunk * 40 + n));
                tokio::spawn(async move { admin.create("meshUser", &body).await })
            });
            for one in all.collect::<Vec<_>>() {
                one.await.unwrap();
            }
        }
        stoa.admin.delete("meshTagDefinition", "/meshPrincipal.gone").await.expect(204);
        stoa.admin
            .until("meshUser", "u1039", |user| user["spec"]["tags"] == json!({ "free": ["y"] }))
            .await;
        // All of them, since the controller goes in order of creation; and what is set from now on stays.
        let mut left = 1;
        for _ in 0..200 {
            left = stoa.admin.list("meshUser", "?size=1000").await.iter()
                .filter(|user| user["spec"]["tags"].get("gone").is_some()).count();
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(left, 0);
        let again = with(user(7), "/spec/tags", json!({ "gone": ["z"] }));
        let shown = stoa.admin.put("meshUser", "/u7", &again).await.expect(200);
        assert_eq!(shown["spec"]["tags"], json!({ "gone": ["z"] }));
    }

    async fn another_server_knows_at_once(stoa) {
        if stoa.running.app.db.engine() == stoa_db::Engine::Sqlite {
            return;
        }
        let sibling = stoa.sibling().await;
        for round in 0..5 {
            let body = KINDS[0].body(("shop", ""), json!({ "stage": [round.to_string()] }));
            names(sibling.admin.put("meshWorkspace", "/shop", &body).await, "metadata.tags.stage");
            stoa.tags("meshWorkspace", &["stage"]).await;
            sibling.admin.put("meshWorkspace", "/shop", &body).await.expect(200);
            stoa.admin.put("meshWorkspace", "/shop", &body).await.expect(200);
            sibling.admin.delete("meshTagDefinition", "/meshWorkspace.stage").await.expect(204);
            let body = KINDS[0].body(("shop", ""), json!({ "stage": ["new"] }));
            names(stoa.admin.put("meshWorkspace", "/shop", &body).await, "metadata.tags.stage");
        }
    }
}
