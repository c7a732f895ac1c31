//! `stoa context`: the stored servers and keys, and which of them is in force.

use crate::args::{ContextCommand, Format};
use crate::console::{Channel, Console};
use crate::context::Store;
use crate::failure::Failure;
use crate::{show, table};
use serde_json::{Value, json};

/// Lists, chooses and forgets contexts. Secrets are never shown.
pub(crate) fn context(console: &mut Console, store: &Store, command: ContextCommand) -> Result<(), Failure> {
    match command {
        ContextCommand::List => list(console, store),
        ContextCommand::Use { name } => {
            store.choose(&name)?;
            console.note(format_args!("`{name}` is in force"))
        }
        ContextCommand::Delete { names } => {
            store.forget(&names)?;
            for name in names {
                console
                    .note(format_args!("`{name}` is forgotten; its key goes on to exist at the server"))?;
            }
            Ok(())
        }
    }
}

fn list(console: &mut Console, store: &Store) -> Result<(), Failure> {
    let contexts = store.read()?;
    if console.quiet {
        return contexts.all().try_for_each(|(name, ..)| console.line(name));
    }
    if console.format != Format::Table {
        let all = contexts.all().map(|(name, context, current)| {
            json!({ "name": name, "current": current, "url": context.url, "clientId": context.client_id })
        });
        return show::document(console, &Value::Array(all.collect()));
    }
    let rows: Vec<Vec<String>> = contexts
        .all()
        .map(|(name, context, current)| {
            let who = context.client_id.as_deref().unwrap_or("a token");
            let mark = if current { "*" } else { "" };
            vec![mark.to_owned(), name.to_owned(), context.url.clone(), who.to_owned()]
        })
        .collect();
    if rows.is_empty() {
        return console.note("no context is stored: use `stoa login URL`");
    }
    console.write(Channel::Out, &table::render(&["CURRENT", "NAME", "SERVER", "AS"], &rows))
}
