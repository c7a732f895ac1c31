//! Lists of declared objects: scoped by who asks, filtered by facets, read by page.

use crate::guard::Visibility;
use crate::labels;
use crate::objects::{COLUMNS, Object};
use crate::outcome::Outcome;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use stoa_base::ObjectId;
use stoa_db::{Row, Sql, Tx, Value};

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Zero-based number.
    pub number: i64,
    /// Entries per page, 1 to 1000.
    pub size: i64,
    /// Where the page before it ended: then it is found by key, however deep it lies.
    pub after: Option<Cursor>,
    /// Where counting what there is in all may end: who only asks whether there is much need not wait for the number.
    pub up_to: Option<i64>,
}

impl Page {
    /// The first entries, at most `size`.
    pub fn first(size: i64) -> Self {
        Self { number: 0, size, after: None, up_to: None }
    }

    /// The statement that counts what `parts`, from FROM on, finds: one more than asked for at most.
    pub fn counting(&self, parts: &str) -> Sql {
        Sql::built(match self.up_to {
            Some(most) => {
                format!("SELECT count(*) FROM (SELECT 1 AS one {parts} LIMIT {}) AS counted", most + 1)
            }
            None => format!("SELECT count(*) {parts}"),
        })
    }
}

/// A place in a list that is ordered by creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the entry was created, in microseconds.
    pub created_at: i64,
    /// Its uuid.
    pub id: String,
}

impl Cursor {
    /// The place of an object.
    pub fn of(object: &Object) -> Self {
        Self { created_at: object.created_at.micros(), id: object.id.to_string() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at, self.id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (created_at, id) = text.split_once('.').ok_or(BadCursor)?;
        let id: ObjectId = id.parse().map_err(|_| BadCursor)?;
        Ok(Self { created_at: created_at.parse().map_err(|_| BadCursor)?, id: id.to_string() })
    }
}

/// A cursor that no list of ours gave out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a list")]
pub struct BadCursor;

/// One page with what is known of the whole.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The page's entries.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
}

/// The kind that others belong to.
const PROJECT: &str = "meshProject";

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first: the only order in which pages follow one another by key.
    #[default]
    Oldest,
    /// Newest first.
    Newest,
    /// By name.
    Name,
    /// By name, the last first.
    NameDown,
}

impl Sort {
    /// The order that an address names; what nobody knows is the usual one.
    pub fn named(text: &str) -> Self {
        match text {
            "-createdOn" => Self::Newest,
            "name" => Self::Name,
            "-name" => Self::NameDown,
            _ => Self::Oldest,
        }
    }
}

/// The facet whose usual value nearly every object has, and that value.
const BROAD: (&str, &str) = ("state", "ACTIVE");

/// What a list asks for. Scope comes first: there is no list without a [`Visibility`].
#[derive(Clone, Debug)]
pub struct Query {
    /// Who may see what.
    pub seen: Visibility,
    /// Facet that names the managing workspaces of an object.
    pub manager_facet: &'static str,
    /// Also shown to everybody: objects with this facet and value.
    pub published: Option<(&'static str, String)>,
    /// Kind listed.
    pub kind: &'static str,
    /// Owning workspace asked for.
    pub workspace: Option<String>,
    /// Key asked for.
    pub key: Option<String>,
    /// Uuid asked for.
    pub id: Option<String>,
    /// Facets asked for; each matches any one of its values.
    pub facets: Vec<(&'static str, Vec<String>)>,
    /// Subqueries that give the ids of what is listed, `?` for each of their values; all of them hold.
    pub within: Vec<(String, Vec<String>)>,
    /// Whether deleted objects are listed too.
    pub even_deleted: bool,
    /// Text that name, identifier or uuid hold, in whatever letters.
    pub text: Option<String>,
    /// In which order.
    pub sort: Sort,
}

impl Query {
    /// Everything of a kind that somebody may see.
    pub fn of(kind: &'static str, seen: Visibility) -> Self {
        Self {
            seen,
            manager_facet: "manager",
            published: None,
            kind,
            workspace: None,
            key: None,
            id: None,
            facets: Vec::new(),
            within: Vec::new(),
            even_deleted: false,
            text: None,
            sort: Sort::Oldest,
        }
    }

    /// Keeps to objects with this facet and value; no value, no filter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.facets.push((name, vec![value.to_owned()]));
        }
        self
    }

    /// Keeps to objects whose ids a subquery gives; it is put together from fixed text, with `?` for each value.
    #[must_use]
    pub fn within(mut self, subquery: impl Into<String>, values: Vec<String>) -> Self {
        self.within.push((subquery.into(), values));
        self
    }

    /// The FROM and WHERE parts, their values, and the columns that order the list.
    fn parts(&self) -> (String, Vec<Value>, &'static str) {
        let (from, wheres, values, order) = self.divided();
        (format!("FROM {from} WHERE {wheres}"), values, order)
    }

    /// The query of the ids on a page, and how its rows are read, `?` for that query.
    fn ordered(&self, limit: &str) -> (String, &'static str) {
        let (from, wheres, _, order) = self.divided();
        let by_name = |order: &str| {
            format!(
                "SELECT o.id FROM {from} JOIN label n ON n.object = o.id
                 WHERE n.kind = $1 AND {wheres} ORDER BY {order} {limit}"
            )
        };
        match self.sort {
            Sort::Oldest => (
                format!("SELECT o.id FROM {from} WHERE {wheres} ORDER BY {order} {limit}"),
                "WHERE o.id IN (?) ORDER BY o.created_at, o.id",
            ),
            Sort::Newest => (
                format!(
                    "SELECT o.id FROM {from} WHERE {wheres} ORDER BY {} DESC {limit}",
                    order.replace(", ", " DESC, ")
                ),
                "WHERE o.id IN (?) ORDER BY o.created_at DESC, o.id DESC",
            ),
            Sort::Name => (
                by_name("n.text, n.object"),
                "JOIN label n ON n.object = o.id WHERE o.id IN (?) ORDER BY n.text, n.object",
            ),
            Sort::NameDown => (
                by_name("n.text DESC, n.object DESC"),
                "JOIN label n ON n.object = o.id WHERE o.id IN (?) ORDER BY n.text DESC, n.object DESC",
            ),
        }
    }

    fn divided(&self) -> (String, String, Vec<Value>, &'static str) {
        let mut values: Vec<Value> = vec![self.kind.into()];
        let mut bind = |value: Value| {
            values.push(value);
            format!("${}", values.len())
        };
        let mut wheres = vec!["o.kind = $1".to_owned()];
        if !self.even_deleted {
            wheres.push("o.deleted_at IS NULL".into());
        }
        // One facet drives the list through its own index, the first that not nearly everything has, unless key or
        // uuid narrow the list down anyway; the others are looked up per row.
        let is_open = self.key.is_none() && self.id.is_none();
        let narrows = |(name, wanted): &(&str, Vec<String>)| {
            is_open && wanted.len() == 1 && (*name, wanted[0].as_str()) != BROAD
        };
        let driver = self.facets.iter().position(narrows);
        let mut from = "object o".to_owned();
        let mut order = "o.created_at, o.id";
        for (place, (name, wanted)) in self.facets.iter().enumerate() {
            let name = bind((*name).into());
            let wanted: Vec<String> = wanted.iter().map(|value| bind(value.into())).collect();
            let matches = format!("f.name = {name} AND f.value IN ({})", wanted.join(", "));
            if driver == Some(place) {
                from = "facet f JOIN object o ON o.id = f.object".into();
                order = "f.created_at, f.object";
                wheres.push(matches);
            } else {
                let matches = matches.replace("f.", "g.");
                wheres.push(format!("EXISTS (SELECT 1 FROM facet g WHERE g.object = o.id AND {matches})"));
            }
        }
        if let Some(workspace) = &self.workspace {
            wheres.push(format!("o.workspace = {}", bind(workspace.into())));
        }
        if let Some(key) = &self.key {
            wheres.push(format!("o.key = {}", bind(key.into())));
        }
        if let Some(id) = &self.id {
            wheres.push(format!("o.id = {}", bind(id.into())));
        }
        for (subquery, wanted) in &self.within {
            let mut parts = subquery.split('?');
            let mut text = parts.next().unwrap_or_default().to_owned();
            for (part, value) in parts.zip(wanted) {
                text.push_str(&bind(value.into()));
                text.push_str(part);
            }
            wheres.push(format!("o.id IN ({text})"));
        }
        if !self.seen.all {
            let mut any = Vec::new();
            if let Some(home) = &self.seen.own {
                let own = format!("o.workspace = {}", bind(home.into()));
                any.push(match &self.seen.projects {
                    None => own,
                    Some(projects) => format!("({own} AND {})", within(projects, &mut bind)),
                });
            }
            let facet = self.seen.managed.as_ref().map(|home| (self.manager_facet, home));
            let published = self.published.as_ref().map(|(name, value)| (*name, value));
            for (name, value) in facet.into_iter().chain(published) {
                let (name, value) = (bind(name.into()), bind(value.into()));
                any.push(format!(
                    "EXISTS (SELECT 1 FROM facet s WHERE s.object = o.id AND s.name = {name} AND s.value = {value})"
                ));
            }
            wheres.push(format!("({})", if any.is_empty() { "1 = 0".into() } else { any.join(" OR ") }));
        }
        if let Some(text) = &self.text {
            let pattern = bind(labels::anywhere(text).into());
            wheres.push(format!(
                "o.id IN (SELECT l.object FROM label l WHERE l.kind = $1 AND l.text LIKE {pattern} ESCAPE '\\')"
            ));
        }
        (from, wheres.join(" AND "), values, order)
    }
}

/// What of a workspace is in one of some projects, is one of them, or is in none.
fn within(projects: &BTreeSet<String>, bind: &mut impl FnMut(Value) -> String) -> String {
    // Facets say either the project's full name or its bare one.
    let bare = projects.iter().filter_map(|key| key.split_once('.')).map(|(_, project)| project);
    let nothing = std::iter::once("");
    let keys: Vec<String> =
        projects.iter().map(String::as_str).chain(nothing).map(|key| bind(key.into())).collect();
    let names: Vec<String> = bare.map(|name| bind(name.into())).collect();
    let all = [keys.clone(), names].concat();
    format!(
        "(o.kind <> '{PROJECT}' OR o.key IN ({})) AND NOT EXISTS (SELECT 1 FROM facet p
            WHERE p.object = o.id AND p.name IN ('project', 'projectIdentifier') AND p.value NOT IN ({}))",
        keys.join(", "),
        all.join(", ")
    )
}

const PLACE: Sql = Sql::new(
    "SELECT o.kind, o.key, p.value FROM object o
     LEFT JOIN facet p ON p.object = o.id AND p.name IN ('project', 'projectIdentifier')
     WHERE o.id = $1 LIMIT 1",
);

/// Whether an object is in one of these projects of `workspace`, is one of them, or is in none. What is gone is
/// nowhere.
pub fn is_within(tx: &mut Tx, workspace: &str, projects: &BTreeSet<String>, id: &str) -> Outcome<bool> {
    let row =
        |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<Option<String>>(2)?));
    let Some((kind, key, project)) = tx.maybe(&PLACE, &[id.into()], row)? else { return Ok(false) };
    Ok(match project {
        Some(project) => projects.contains(&project) || projects.contains(&format!("{workspace}.{project}")),
        None => kind != PROJECT || projects.contains(&key),
    })
}

/// One page of a list. The total costs a count only when the page does not tell it.
pub fn list(tx: &mut Tx, query: &Query, page: &Page) -> Outcome<Found<Object>> {
    let (parts, values, order) = query.parts();
    let skipped = page.number.saturating_mul(page.size);
    let mut args = values.clone();
    let next = values.len() + 1;
    let after = page.after.as_ref().filter(|_| query.sort == Sort::Oldest);
    // Documents are read for the rows of the page only: the inner query stays within indexes.
    let (inner, outer) = if let Some(Cursor { created_at, id }) = after {
        args.extend([page.size.into(), (*created_at).into(), id.into()]);
        let (limit, at, of) = (next, next + 1, next + 2);
        let inner =
            format!("SELECT o.id {parts} AND ({order}) > (${at}, ${of}) ORDER BY {order} LIMIT ${limit}");
        (inner, "WHERE o.id IN (?) ORDER BY o.created_at, o.id")
    } else {
        args.extend([page.size.into(), skipped.into()]);
        query.ordered(&format!("LIMIT ${next} OFFSET ${}", next + 1))
    };
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM object o {}", outer.replace('?', &inner)));
    let items = tx.all(&sql, &args, Object::read)?;
    let read = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let told = after.is_none() && read < page.size && (read > 0 || page.number == 0);
    let total =
        if told { skipped + read } else { tx.one(&page.counting(&parts), &values, |row| row.get(0))? };
    Ok(Found { items, total })
}

/// So many of what fits a text are put in order: whoever types one letter wants no order among all that has it.
const RANKED: usize = 3000;

/// What fits `text` best, at most `limit`: first what is called so, then what begins so.
pub fn search(tx: &mut Tx, query: &Query, text: &str, limit: i64) -> Outcome<Vec<Object>> {
    let (from, wheres, mut args, _) = query.divided();
    let next = args.len() + 1;
    args.push(labels::anywhere(text).into());
    args.extend(labels::near(text).map(Value::from));
    args.push(limit.into());
    let like = |label: &str, place: usize| format!("{label}.text LIKE ${place} ESCAPE '\\'");
    // Labels drive it: they are narrow, and read from their index only.
    let fitting = format!(
        "SELECT o.id FROM {from} JOIN label s ON s.object = o.id
         WHERE s.kind = $1 AND {} AND {wheres} LIMIT {RANKED}",
        like("s", next)
    );
    let [one, other] =
        [next + 1, next + 3].map(|place| format!("{} OR {}", like("r", place), like("r", place + 1)));
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM object o WHERE o.id IN (
            SELECT r.object FROM label r WHERE r.object IN ({fitting})
            ORDER BY CASE WHEN {one} THEN 0 WHEN {other} THEN 1 ELSE 2 END, r.text, r.object LIMIT ${})
         ORDER BY o.created_at, o.id",
        next + 5
    ));
    Ok(tx.all(&sql, &args, Object::read)?)
}
