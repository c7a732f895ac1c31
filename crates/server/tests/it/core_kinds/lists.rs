//! What all lists and links have in common (`api-core.md` §1.5 and §1.6).

use super::cast::{bind, group};
use super::names_of;
use crate::on_both;
use crate::stoa::{Stoa, media, path};
use reqwest::Method;
use serde_json::{Value, json};

/// Every kind, with a filter that finds nothing.
const KINDS: [(&str, &str); 19] = [
    ("meshWorkspace", "page=7"),
    ("meshProject", "workspaceIdentifier=nowhere"),
    ("meshApiKey", "workspaceIdentifier=nowhere"),
    ("meshApiUser", "page=7"),
    ("meshUser", "username=nobody"),
    ("meshWorkspaceUserGroup", "username=nobody"),
    ("meshProjectRole", "page=7"),
    ("meshWorkspaceUserBinding", "workspaceIdentifier=nowhere"),
    ("meshWorkspaceGroupBinding", "username=nobody"),
    ("meshProjectUserBinding", "workspaceIdentifier=nowhere"),
    ("meshProjectGroupBinding", "workspaceIdentifier=nowhere"),
    ("meshPaymentMethod", "workspaceIdentifier=nowhere"),
    ("meshIntegration", "ownedByWorkspace=nowhere"),
    ("meshEventLog", "workspaceIdentifier=nowhere"),
    ("meshBuildingBlockDefinition", "ownedByWorkspace=nowhere"),
    (
        "meshBuildingBlockDefinitionVersion",
        "buildingBlockDefinitionUuid=00000000-0000-4000-8000-000000000000",
    ),
    ("meshBuildingBlock", "workspaceIdentifier=nowhere"),
    ("meshBuildingBlockRun", "buildingBlockUuid=00000000-0000-4000-8000-000000000000"),
    ("meshBuildingBlockRunner", "ownedByWorkspace=nowhere"),
];

async fn five_projects(stoa: &Stoa) {
    stoa.workspace("orchard").await;
    for name in ["e", "d", "c", "b", "a"] {
        let body = json!({
            "metadata": { "name": name, "ownedByWorkspace": "orchard" },
            "spec": { "displayName": name },
        });
        stoa.admin.create("meshProject", &body).await;
    }
}

/// A list as a client sees it that follows links: an address as it was given.
async fn follow(stoa: &Stoa, address: &str) -> Value {
    let media = media("meshProject", "v2");
    stoa.admin.raw(Method::GET, address, |r| r.header("accept", media)).await.expect(200)
}

fn names_in(page: &Value) -> Vec<&str> {
    names_of(page["_embedded"]["meshProjects"].as_array().unwrap())
}

fn href<'p>(page: &'p Value, relation: &str) -> Option<&'p str> {
    page["_links"].get(relation).map(|link| link["href"].as_str().unwrap())
}

on_both! {
    async fn an_empty_list_is_a_list(stoa) {
        for (kind, filter) in KINDS {
            let answer = stoa.admin.get(kind, &format!("?{filter}")).await.expect(200);
            let embedded = json!({ format!("{kind}s"): [] });
            assert_eq!(answer["_embedded"], embedded, "{kind}");
            let page = &answer["page"];
            if filter == "page=7" {
                // Beyond the end the number is echoed, or clients would ask for ever.
                assert_eq!(page["number"], 7, "{kind}");
            } else {
                assert_eq!(
                    page,
                    &json!({ "size": 50, "totalElements": 0, "totalPages": 0, "number": 0 }),
                    "{kind}"
                );
                let own = format!("{}{}", stoa.url, path(kind, &format!("?{filter}")));
                assert_eq!(answer["_links"], json!({ "self": { "href": own } }), "{kind}");
            }
        }
    }

    async fn pages_are_linked_and_numbered(stoa) {
        five_projects(&stoa).await;
        let base = format!("{}/api/meshobjects/meshprojects?", stoa.url);
        let filter = "workspaceIdentifier=orchard&state=ACTIVE%2CPENDING_DELETION";
        for (number, expected, prev, next) in [
            (0, &["e", "d"][..], None, Some(1)),
            (1, &["c", "b"], Some(0), Some(2)),
            (2, &["a"], Some(1), None),
            (3, &[], Some(2), None),
            (900, &[], Some(2), None),
        ] {
            let asked = format!("{base}{filter}&page={number}&size=2");
            let page = follow(&stoa, &asked).await;
            assert_eq!(names_in(&page), expected, "{number}");
            assert_eq!(
                page["page"],
                json!({ "size": 2, "totalElements": 5, "totalPages": 3, "number": number })
            );
            assert_eq!(href(&page, "self"), Some(asked.as_str()));
            let to = |number: i32| format!("{base}{filter}&page={number}&size=2");
            assert_eq!(href(&page, "first"), Some(to(0).as_str()));
            assert_eq!(href(&page, "last"), Some(to(2).as_str()));
            assert_eq!(href(&page, "prev"), prev.map(to).as_deref());
            // The next one may say more, to be found faster.
            assert_eq!(href(&page, "next").is_some(), next.is_some(), "{number}");
            if let Some(next) = next {
                assert!(href(&page, "next").unwrap().starts_with(&to(next)), "{page}");
            }
        }
        // One page needs no way to others.
        let page = follow(&stoa, &format!("{base}size=5")).await;
        assert_eq!(page["_links"].as_object().unwrap().keys().collect::<Vec<_>>(), ["self"]);
        assert_eq!(page["page"], json!({ "size": 5, "totalElements": 5, "totalPages": 1, "number": 0 }));
    }

    async fn following_links_meets_everything_once(stoa) {
        five_projects(&stoa).await;
        for start in
            ["?size=2", "?size=1&workspaceIdentifier=orchard", "?size=3&paymentIdentifier=&state=ACTIVE"]
        {
            let mut address = path("meshProject", start);
            let mut met = Vec::new();
            loop {
                let page = follow(&stoa, &address).await;
                assert_eq!(page["page"]["totalElements"], 5);
                met.extend(names_in(&page).into_iter().map(str::to_owned));
                match href(&page, "next") {
                    Some(next) => next.clone_into(&mut address),
                    None => break,
                }
            }
            assert_eq!(met, ["e", "d", "c", "b", "a"], "{start}");
        }
        // And so does counting pages, as the Terraform client does.
        let mut met = Vec::new();
        for number in 0.. {
            let page = follow(&stoa, &path("meshProject", &format!("?page={number}&size=2"))).await;
            met.extend(names_in(&page).into_iter().map(str::to_owned));
            if page["page"]["number"].as_i64() >= page["page"]["totalPages"].as_i64().map(|pages| pages - 1) {
                break;
            }
        }
        assert_eq!(met, ["e", "d", "c", "b", "a"]);
    }

    async fn size_and_page_are_forgiving(stoa) {
        five_projects(&stoa).await;
        for (query, size, number, found) in [
            ("", 50, 0, 5),
            ("?size=1000", 1000, 0, 5),
            ("?size=1001", 1000, 0, 5),
            ("?size=999999999", 1000, 0, 5),
            ("?size=0&page=-1", 50, 0, 5),
            ("?size=x&page=y", 50, 0, 5),
            ("?size=&page=", 50, 0, 5),
            ("?size=1.5&page=99999999999999999999", 50, 0, 5),
            ("?page=1", 50, 1, 0),
            ("?page=9007199254740991", 50, 9_007_199_254_740_991_i64, 0),
        ] {
            let page = follow(&stoa, &path("meshProject", query)).await;
            assert_eq!(
                (&page["page"]["size"], &page["page"]["number"]),
                (&json!(size), &json!(number)),
                "{query}"
            );
            assert_eq!(names_in(&page).len(), found, "{query}");
        }
    }

    async fn links_are_absolute_and_encoded(stoa) {
        let odd = "ü&b=c d+e%f#g?";
        for name in [odd, "plain"] {
            let body = json!({ "metadata": { "name": name }, "spec": { "email": "a@b.example", "firstName": odd, "lastName": "L" } });
            stoa.admin.create("meshUser", &body).await;
        }
        let encoded = "%C3%BC%26b%3Dc%20d%2Be%25f%23g%3F";
        let media = media("meshUser", "v2");
        let get = |address: String| {
            let (admin, media) = (stoa.admin.clone(), media.clone());
            async move { admin.raw(Method::GET, &address, |r| r.header("accept", media)).await.expect(200) }
        };
        let page = get(path("meshUser", &format!("?firstName={encoded}&size=1"))).await;
        let item = &page["_embedded"]["meshUsers"][0];
        let own = href(item, "self").unwrap();
        assert_eq!(own, format!("{}/api/meshobjects/meshusers/{encoded}", stoa.url));
        assert_eq!(&get(own.to_owned()).await, item);
        for relation in ["next", "last"] {
            let other = get(href(&page, relation).unwrap().to_owned()).await;
            assert_eq!(names_of(other["_embedded"]["meshUsers"].as_array().unwrap()), ["plain"]);
        }
        // A plus in a query is a blank.
        let page = get(path("meshUser", &format!("?username={}", encoded.replace("%20", "+")))).await;
        assert_eq!(page["page"]["totalElements"], 1);
    }

    async fn every_item_is_what_its_own_address_shows(stoa) {
        stoa.workspace("orchard").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "orchard", json!({})).await;
        one_of_each(&stoa).await;
        for (kind, _) in KINDS {
            let items = stoa.admin.list(kind, "").await;
            assert!(!items.is_empty(), "{kind}");
            for item in items.iter().take(5) {
                assert_eq!(item["kind"], kind);
                let address = href(item, "self").unwrap();
                let media = crate::stoa::media(kind, item["apiVersion"].as_str().unwrap());
                let shown =
                    stoa.admin.raw(Method::GET, address, |r| r.header("accept", media)).await.expect(200);
                assert_eq!(&shown, item, "{kind}");
                assert_eq!(has_null(&without_some(item)), None, "{kind}");
            }
        }
    }
}

/// One of each remaining kind.
async fn one_of_each(stoa: &Stoa) {
    let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "W" } });
    stoa.admin.create("meshProject", &project).await;
    let user = json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
    stoa.admin.create("meshUser", &user).await;
    group(stoa, "orchard", "pickers", &["lea"]).await;
    for subject in ["lea", "pickers"] {
        bind(stoa, subject, "Workspace Member", "orchard").await;
        bind(stoa, subject, "reader", "orchard.web").await;
    }
    let payment = json!({ "metadata": { "name": "budget", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "B" } });
    stoa.admin.create("meshPaymentMethod", &payment).await;
    stoa.admin
        .create("meshApiUser", &json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } }))
        .await;
}

/// Building block kinds answer null where their own rules say so (`api-building-blocks.md` §1.6).
fn without_some(item: &Value) -> Value {
    match item["kind"].as_str().unwrap() {
        kind if kind.starts_with("meshBuildingBlock") => Value::Bool(true),
        _ => item.clone(),
    }
}

/// A pointer to some null within.
fn has_null(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Object(members) => {
            members.iter().find_map(|(name, member)| has_null(member).map(|rest| format!("/{name}{rest}")))
        }
        Value::Array(items) => items.iter().find_map(|item| has_null(item).map(|rest| format!("/*{rest}"))),
        _ => None,
    }
}
