//! One row of the table of importable kinds: versions, natural key, and how an object is applied.

use crate::kind::{self, Kind};
use serde_json::Value;
use stoa_base::Refusal;
use stoa_core::{Call, Outcome};
use stoa_db::Tx;

/// The natural key of an object.
pub type Id = fn(&Value) -> Option<String>;
/// Turns an object of this version into natural keys and objects of the applied version; none leave it as it is.
pub type Reshape = fn(&Value, &str) -> Vec<(String, Value)>;
/// Applies an object of a version under its natural key.
pub type Apply = fn(&mut Tx, &Call, &Value, &'static str, &str) -> Outcome<()>;
/// Deletes the object of this natural key, if it is there.
pub type Remove = fn(&mut Tx, &Call, &'static str, &str) -> Outcome<()>;

/// A kind that can be imported.
#[derive(Clone, Copy)]
pub struct Importer {
    /// For example `meshProject`.
    pub kind: &'static str,
    /// Versions taken, the newest first, each with the version that it is applied as.
    versions: &'static [(&'static str, &'static str)],
    /// The natural key of an object.
    id: Id,
    /// What an object of an older shape stands for: natural keys and objects of the applied version.
    reshape: Option<Reshape>,
    /// None: the kind is known, but nothing keeps it yet.
    apply: Option<Apply>,
    /// Deletes a member of a collection; only some kinds are members.
    remove: Option<Remove>,
}

impl Importer {
    /// A kind whose objects are created, or replaced under their natural key.
    pub const fn of<K: Kind>(versions: &'static [(&'static str, &'static str)], id: Id) -> Self {
        let apply: Apply =
            |tx, call, body, version, id| kind::apply::<K>(tx, call, body, version, id).map(|_| ());
        Self { kind: K::NAME, versions, id, reshape: None, apply: Some(apply), remove: None }
    }

    /// A kind that nothing keeps yet: each object fails, and says so.
    pub const fn later(
        kind: &'static str,
        versions: &'static [(&'static str, &'static str)],
        id: Id,
    ) -> Self {
        Self { kind, versions, id, reshape: None, apply: None, remove: None }
    }

    /// The same, with older shapes that are turned into the applied one.
    #[must_use]
    pub const fn reshaped(mut self, reshape: Reshape) -> Self {
        self.reshape = Some(reshape);
        self
    }

    /// The same, applied in a way of its own.
    #[must_use]
    pub const fn applied(mut self, apply: Apply) -> Self {
        self.apply = Some(apply);
        self
    }

    /// The same, as member of collections, deleted in a way of its own when an import misses it.
    #[must_use]
    pub const fn removed(mut self, remove: Remove) -> Self {
        self.remove = Some(remove);
        self
    }

    /// The same, as member of collections: it is deleted when an import of its collection misses it.
    #[must_use]
    pub const fn member<K: Kind>(mut self) -> Self {
        self.remove = Some(|tx, call, version, id| kind::remove::<K>(tx, call, version, id));
        self
    }

    /// Whether it may be a member of a collection.
    pub fn is_member(&self) -> bool {
        self.remove.is_some()
    }

    /// The version that an object is applied as.
    fn version(&self, object: &Value) -> Result<&'static str, Refusal> {
        let given = match object.get("apiVersion") {
            None | Some(Value::Null) => return self.newest(),
            Some(given) => given.as_str().unwrap_or_default(),
        };
        let found = self.versions.iter().find(|(version, _)| version.eq_ignore_ascii_case(given));
        found.map(|(_, applied)| *applied).ok_or_else(|| {
            let known: Vec<&str> = self.versions.iter().map(|(version, _)| *version).collect();
            Refusal::invalid("apiVersion", format!("of {} must be {}", self.kind, known.join(" or ")))
        })
    }

    fn newest(&self) -> Result<&'static str, Refusal> {
        let newest = self.versions.first().map(|(_, applied)| *applied);
        newest.ok_or_else(|| Refusal::invalid("apiVersion", "is required"))
    }

    fn reshape(&self, object: &Value) -> Vec<(String, Value)> {
        let given = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let shaped = self.reshape.map(|reshape| reshape(object, given)).unwrap_or_default();
        if shaped.is_empty() {
            (self.id)(object).map(|id| (id, object.clone())).into_iter().collect()
        } else {
            shaped
        }
    }

    /// Creates the object, or replaces the one that has its natural key.
    pub(super) fn apply(&self, tx: &mut Tx, call: &Call, object: &Value, _: &str) -> Outcome<()> {
        let version = self.version(object)?;
        let Some(apply) = self.apply else {
            let problem =
                format!("Objects of kind {} cannot be imported yet: nothing here keeps them.", self.kind);
            return Err(Refusal::Impossible(problem).into());
        };
        for (id, shaped) in self.reshape(object) {
            apply(tx, call, &shaped, version, &id)?;
        }
        Ok(())
    }

    /// Deletes a member. One that is gone already is no matter.
    pub(super) fn remove(&self, tx: &mut Tx, call: &Call, id: &str) -> Outcome<()> {
        let Some(remove) = self.remove else { return Ok(()) };
        let version = self.newest()?;
        // A binding of the older shape stands for one per subject.
        id.split('\n').try_for_each(|id| remove(tx, call, version, id))
    }
}

/// The importer of an object, and the object's natural key; for an older shape that stands for several, all keys.
pub(super) fn identify(importers: &[Importer], object: &Value) -> Result<(usize, String), Refusal> {
    if !object.is_object() {
        return Err(Refusal::Malformed("An entry of an import must be an object.".into()));
    }
    let Some(Value::String(kind)) = object.get("kind") else {
        return Err(Refusal::invalid("kind", "is required and must be a text"));
    };
    let place = importers.iter().position(|importer| importer.kind == kind);
    let Some((place, importer)) = place.and_then(|place| Some((place, importers.get(place)?))) else {
        return Err(Refusal::invalid("kind", format!("names `{kind}`, which cannot be imported")));
    };
    importer.version(object)?;
    let ids: Vec<String> = importer.reshape(object).into_iter().map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Err(Refusal::invalid("metadata", "must say what names the object"));
    }
    Ok((place, ids.join("\n")))
}

/// How results name an object: `meshUser[lea@fruit.example]`.
pub(super) fn label(object: &Value, id: Option<&str>) -> String {
    let text =
        |pointer| object.pointer(pointer).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    let short: String = text("/kind").unwrap_or("?").chars().take(64).collect();
    let name = text("/metadata/name").or(id).unwrap_or("?");
    let id = id.filter(|id| !id.contains('\n')).unwrap_or(name);
    let id: String = id.chars().take(600).collect();
    format!("{short}[{id}]")
}

/// The key of kinds that a name tells: `metadata.name`.
pub fn by_name(object: &Value) -> Option<String> {
    let name = object.pointer("/metadata/name")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The key of kinds whose names are unique within a workspace: `<workspace>.<name>`.
pub fn in_workspace(object: &Value) -> Option<String> {
    let owner = object.pointer("/metadata/ownedByWorkspace")?.as_str()?;
    by_name(object).map(|name| format!("{owner}.{name}"))
}
