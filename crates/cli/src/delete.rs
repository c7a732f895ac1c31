//! `stoa delete`: things taken away, and building blocks watched until they are gone.

use crate::api::{Api, id_of};
use crate::args::{Delete, Format};
use crate::console::{Channel, Console};
use crate::failure::Failure;
use crate::kinds::{self, Address, Kind};
use crate::order::within;
use crate::watch::{self, Goal, View, Wish};
use serde_json::Value;

/// Deletes the things named, one after the other.
pub(crate) async fn delete(api: &Api, console: &mut Console, delete: Delete) -> Result<(), Failure> {
    let kind = delete.kind;
    if *kind != kinds::BLOCK && delete.watch {
        return Err(Failure::Usage("--watch is for building blocks".to_owned()));
    }
    if *kind != kinds::BLOCK && *kind != kinds::TENANT && delete.purge {
        return Err(Failure::Usage("--purge is for building blocks and tenants".to_owned()));
    }
    for word in &delete.ids {
        let id = id(api, kind, word, delete.workspace.as_deref()).await?;
        within(delete.timeout, one(api, console, &delete, &id)).await?;
    }
    Ok(())
}

/// The identifier meant by `word`, without asking the server where the word already is one.
async fn id(api: &Api, kind: &Kind, word: &str, workspace: Option<&str>) -> Result<String, Failure> {
    let is_id = match kind.address {
        Address::Name | Address::InstanceId => true,
        Address::InWorkspace => word.contains('.'),
        Address::Uuid(_) => uuid::Uuid::try_parse(word).is_ok(),
    };
    if is_id {
        return Ok(word.to_owned());
    }
    if let (Address::InWorkspace, Some(workspace)) = (kind.address, workspace) {
        return Ok(format!("{workspace}.{word}"));
    }
    id_of(kind, &api.resolve(kind, word, workspace).await?)
}

async fn one(api: &Api, console: &mut Console, delete: &Delete, id: &str) -> Result<(), Failure> {
    let kind = delete.kind;
    let name = format!("{}/{id}", kind.name);
    let earlier_run = if delete.watch {
        let block = api.get(kind, id).await?;
        block.pointer("/status/latestRunUuid").and_then(Value::as_str).map(str::to_owned)
    } else {
        None
    };
    let below = match delete.purge {
        true if *kind == kinds::TENANT => "?purge=true",
        true => "/purge",
        false => "",
    };
    api.delete(kind, id, below)
        .await
        .map_err(|failure| failure.while_doing(&format!("cannot delete {name}")))?;
    if !delete.watch {
        let later = *kind == kinds::BLOCK || (*kind == kinds::TENANT && !delete.purge);
        let done = if later { "marked for deletion" } else { "deleted" };
        return console.note(format_args!("{name} {done}"));
    }
    let json = console.format != Format::Table;
    let channel = (!console.quiet).then_some(Channel::Out);
    let mut view = View::new(console, Wish { channel, json, logs: false });
    watch::block(api, console, &mut view, id, &Goal::Deleted { earlier_run }).await?;
    console.note(format_args!("{name} deleted"))
}
