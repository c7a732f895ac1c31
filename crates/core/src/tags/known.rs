//! The definitions that hold right now, compiled once and kept until one changes. Several servers share one
//! database, so each use asks it which state of them is current.

use super::Target;
use super::definition::{Definition, Rule};
use crate::outcome::Outcome;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use stoa_base::new_uuid;
use stoa_db::{Sql, Tx};

/// The kind of definitions.
const KIND: &str = "meshTagDefinition";
/// How many definitions an installation may have (`api-core.md` §3.11).
pub const MOST: usize = 256;

/// On PostgreSQL the state stays what it is until the transaction ends: no definition goes away while something
/// is written that it admitted.
const STATE: Sql = Sql::differs(
    "SELECT value FROM setting WHERE name = 'tagDefinitions'",
    "SELECT value FROM setting WHERE name = 'tagDefinitions' FOR SHARE",
);
const CHANGE: Sql = Sql::new(
    "INSERT INTO setting (name, value) VALUES ('tagDefinitions', $1)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
const ALL: Sql =
    Sql::new("SELECT doc FROM object WHERE kind = $1 AND deleted_at IS NULL ORDER BY created_at, id");
const COUNT: Sql = Sql::new("SELECT count(*) FROM object WHERE kind = $1 AND deleted_at IS NULL");

/// Says that definitions change in this transaction. Whoever changes them calls this first: it also makes
/// them wait for one another, and for writes that the definitions before admitted.
pub fn changed(tx: &mut Tx) -> Outcome<()> {
    tx.run(&CHANGE, &[new_uuid().into()])?;
    Ok(())
}

/// How many definitions there are.
pub fn count(tx: &mut Tx) -> Outcome<usize> {
    let count: i64 = tx.one(&COUNT, &[KIND.into()], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// The rules of one state, by target.
#[derive(Debug, Default)]
pub struct Rules(HashMap<Target, Vec<Arc<Rule>>>);

impl Rules {
    /// Those of a target, in the order of their creation.
    pub fn of(&self, target: Target) -> &[Arc<Rule>] {
        self.0.get(&target).map_or(&[], Vec::as_slice)
    }
}

/// The rule for a key.
pub fn find<'a>(rules: &'a [Arc<Rule>], key: &str) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.definition.key == key).map(AsRef::as_ref)
}

/// What a server keeps of them.
#[derive(Debug, Default)]
pub struct Known(Mutex<Option<(String, Arc<Rules>)>>);

impl Known {
    /// The rules that hold in this transaction: one look at one row, as long as nothing changed.
    pub fn rules(&self, tx: &mut Tx) -> Outcome<Arc<Rules>> {
        let Some(state) = tx.maybe(&STATE, &[], |row| row.get::<String>(0))? else {
            return Ok(Arc::default());
        };
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, rules)) = kept
            && of == state
        {
            return Ok(rules);
        }
        let mut rules = Rules::default();
        for doc in tx.all(&ALL, &[KIND.into()], |row| row.get::<String>(0))? {
            let definition: Definition = serde_json::from_str(&doc)?;
            let Some(target) = Target::of(&definition.target_kind) else { continue };
            rules.0.entry(target).or_default().push(Arc::new(Rule::new(definition)?));
        }
        let rules = Arc::new(rules);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((state, Arc::clone(&rules)));
        Ok(rules)
    }
}
