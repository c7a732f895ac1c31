//! Prepared statements of one connection.

use std::collections::HashMap;
use std::mem;

use postgres::Statement;

/// How many statements a generation has.
const GENERATION: usize = 256;

/// Statements by their text. When a generation is full the one before it is let go, except for what was
/// used since.
#[derive(Default)]
pub(super) struct Statements {
    young: HashMap<Box<str>, Statement>,
    old: HashMap<Box<str>, Statement>,
}

impl Statements {
    pub(super) fn get(&mut self, text: &str) -> Option<Statement> {
        if let Some(statement) = self.young.get(text) {
            return Some(statement.clone());
        }
        let (text, statement) = self.old.remove_entry(text)?;
        self.insert(text, statement.clone());
        Some(statement)
    }

    pub(super) fn keep(&mut self, text: &str, statement: Statement) {
        self.insert(text.into(), statement);
    }

    fn insert(&mut self, text: Box<str>, statement: Statement) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(text, statement);
    }
}
