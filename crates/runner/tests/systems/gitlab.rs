//! A stand-in of GitLab: one project whose pipelines are triggered with a token.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Asked, Said, Served, System, says};

pub const PROJECT: &str = "31";
pub const TRIGGER_TOKEN: &str = "glptt-0123456789abcdef";

#[derive(Default)]
pub struct GitLab {
    /// The fields of each trigger that was obeyed.
    pub triggers: Vec<BTreeMap<String, String>>,
}

impl Served<GitLab> {
    pub async fn gitlab() -> Self {
        Self::start(GitLab::default()).await
    }
}

impl System for GitLab {
    fn answer(&mut self, asked: &Asked, _: &str) -> Said {
        let missing = || says(404, json!({ "message": "404 Not Found" }));
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        let ("POST", ["api", "v4", "projects", PROJECT, "trigger", "pipeline"]) =
            (asked.method.as_str(), path.as_slice())
        else {
            return missing();
        };
        let fields = fields(asked);
        if !fields.contains_key("token") || !fields.contains_key("ref") {
            return says(400, json!({ "error": "token is missing, ref is missing" }));
        }
        // Whoever has no token is not told what there is.
        if fields["token"] != TRIGGER_TOKEN {
            return missing();
        }
        if fields["ref"] != "main" {
            return says(400, json!({ "message": { "base": ["Reference not found"] } }));
        }
        self.triggers.push(fields);
        let id = 500 + self.triggers.len();
        says(
            201,
            json!({
                "id": id, "iid": 1, "project_id": 31, "ref": "main", "status": "created", "source": "trigger",
                "web_url": format!("https://lab.example.org/fruit/press/-/pipelines/{id}"),
            }),
        )
    }
}

/// The fields of a form of several parts.
fn fields(asked: &Asked) -> BTreeMap<String, String> {
    let boundary = asked.header("content-type").strip_prefix("multipart/form-data; boundary=");
    let boundary = format!("--{}", boundary.expect("a form of several parts"));
    let text = String::from_utf8(asked.body.to_vec()).unwrap();
    let mut parts: Vec<&str> = text.split(&boundary).collect();
    assert_eq!(parts.pop(), Some("--\r\n"));
    assert_eq!(parts.remove(0), "");
    let field = |part: &&str| {
        let (head, text) = part.split_once("\r\n\r\n").expect("a head and a text");
        let name = head.split_once("name=\"").unwrap().1.strip_suffix('"').unwrap();
        (name.to_owned(), text.strip_suffix("\r\n").unwrap().to_owned())
    };
    let fields: BTreeMap<String, String> = parts.iter().map(field).collect();
    assert_eq!(fields.len(), parts.len(), "no field comes twice");
    fields
}
