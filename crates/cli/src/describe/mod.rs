//! What the server says of its own API: kinds, their versions, and the fields of their schemas.

mod schema;

pub(crate) use schema::{Fields, Side};

use serde_json::{Map, Value};

/// The server's API description (OpenAPI 3.1).
#[derive(Debug)]
pub(crate) struct Description {
    whole: Value,
}

/// One operation: its method, its path, what is said of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    /// Upper case.
    pub(crate) method: &'a str,
    /// With `{name}` segments.
    pub(crate) path: &'a str,
    /// What is said of it.
    pub(crate) about: &'a Value,
}

/// A kind as described.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    /// For example `meshProject`.
    pub(crate) name: &'a str,
    /// Everything that can be done with it.
    pub(crate) operations: Vec<Operation<'a>>,
    /// Its versions, in the server's order: oldest first.
    pub(crate) versions: Vec<String>,
}

const METHODS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("lock", "LOCK"),
    ("unlock", "UNLOCK"),
];
const MEDIA_PREFIX: &str = "application/vnd.meshcloud.api.";
const MEDIA_SUFFIX: &str = ".hal+json";

/// The version that a media type of this kind names.
fn version_in<'m>(media: &'m str, kind: &str) -> Option<&'m str> {
    let rest = media.strip_prefix(MEDIA_PREFIX)?.strip_suffix(MEDIA_SUFFIX)?;
    let (name, version) = rest.split_once('.')?;
    name.eq_ignore_ascii_case(kind).then_some(version)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

impl Description {
    /// Takes what `/api/openapi.json` answered.
    pub(crate) fn new(whole: Value) -> Self {
        Self { whole }
    }

    /// Every operation, by path.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut found = Vec::new();
        for (path, item) in members(&self.whole["paths"]) {
            for (key, method) in METHODS {
                let about = item.get(key).or_else(|| item.pointer(&format!("/x-methods/{key}")));
                found.extend(about.map(|about| Operation { method, path, about }));
            }
        }
        found
    }

    /// The groups of operations, in the server's order: kinds, and areas without one.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for operation in self.operations() {
            let group = operation.group();
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// The names of all kinds, in alphabetical order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> =
            self.groups().into_iter().filter(|group| group.starts_with("mesh")).collect();
        kinds.sort_unstable();
        kinds
    }

    /// A kind, or a group of operations that belongs to none.
    pub(crate) fn group<'a>(&'a self, name: &'a str) -> Described<'a> {
        let operations: Vec<_> =
            self.operations().into_iter().filter(|operation| operation.group() == name).collect();
        let mut versions: Vec<String> = Vec::new();
        for operation in &operations {
            let answers = members(&operation.about["responses"]).map(|(_, answer)| &answer["content"]);
            for (media, _) in answers.chain([&operation.about["requestBody"]["content"]]).flat_map(members) {
                match version_in(media, name) {
                    Some(version) if !versions.iter().any(|known| known == version) => {
                        versions.push(version.to_owned());
                    }
                    _ => {}
                }
            }
        }
        Described { name, operations, versions }
    }

    /// A schema that may be a reference to another.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // A description of ours holds no cycle of bare references; the bound is for others.
        for _ in 0..32 {
            match schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
                Some(pointer) => schema = self.whole.pointer(pointer).unwrap_or(&Value::Null),
                None => break,
            }
        }
        schema
    }
}

impl<'a> Operation<'a> {
    /// The kind or area it belongs to.
    pub(crate) fn group(&self) -> &'a str {
        self.about["tags"][0].as_str().unwrap_or("other")
    }

    /// One line.
    pub(crate) fn summary(&self) -> &'a str {
        self.about["summary"].as_str().unwrap_or_default()
    }

    /// The codes of which the caller needs one.
    pub(crate) fn permissions(&self) -> Vec<&'a str> {
        self.about["x-permissions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Query parameters: name and meaning.
    pub(crate) fn query(&self) -> Vec<(&'a str, &'a str)> {
        let parameters = self.about["parameters"].as_array().into_iter().flatten();
        parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| {
                let text = |key: &str| parameter[key].as_str().unwrap_or_default();
                (text("name"), text("description"))
            })
            .collect()
    }

    /// Its answers: status and meaning.
    pub(crate) fn answers(&self) -> Vec<(&'a str, &'a str)> {
        members(&self.about["responses"])
            .map(|(status, answer)| (status.as_str(), answer["description"].as_str().unwrap_or_default()))
            .collect()
    }

    /// The content that it takes, by media type.
    pub(crate) fn takes(&self) -> Option<&'a Map<String, Value>> {
        self.about["requestBody"]["content"].as_object()
    }
}

impl<'a> Described<'a> {
    /// The path of the collection: the shortest of its paths.
    pub(crate) fn collection(&self) -> &'a str {
        // What Stoa adds beside the contract is of the kind, and not its collection.
        let paths = self.operations.iter().map(|operation| operation.path);
        paths.min_by_key(|path| (!path.starts_with("/api/meshobjects/"), path.len())).unwrap_or("")
    }

    /// The operation with this method on the collection, or on one of its objects.
    pub(crate) fn operation(&self, method: &str, on_item: bool) -> Option<Operation<'a>> {
        let collection = self.collection();
        self.operations.iter().copied().find(|operation| {
            let rest = operation.path.strip_prefix(collection).unwrap_or("?");
            let is_item = rest.starts_with("/{") && rest.ends_with('}') && !rest[1..].contains('/');
            operation.method == method && if on_item { is_item } else { rest.is_empty() }
        })
    }

    /// The fields of an object of this kind in a version.
    pub(crate) fn fields(&self, description: &'a Description, version: &str) -> Fields<'a> {
        let of_version = |content: &'a Value| {
            members(content)
                .find(|(media, _)| version_in(media, self.name) == Some(version))
                .map(|(_, entry)| &entry["schema"])
        };
        let written = self.operation("POST", false).or_else(|| self.operation("PUT", true));
        let ask = written.and_then(|operation| of_version(&operation.about["requestBody"]["content"]));
        let read = self.operation("GET", true);
        let answer = read.and_then(|operation| of_version(&operation.about["responses"]["200"]["content"]));
        Fields::new(description, ask, answer)
    }
}
