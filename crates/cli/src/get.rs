//! `stoa get` and `stoa list`.

use crate::api::{Api, Query, id_of};
use crate::args::{Format, Get, List};
use crate::console::Console;
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::show;

/// Shows the things named, or all.
pub(crate) async fn get(api: &Api, console: &mut Console, get: Get) -> Result<(), Failure> {
    let Get { kind, ids, workspace } = get;
    if ids.is_empty() {
        let all = List { kind, workspace, definition: None, block: None, filters: Vec::new(), limit: None };
        return list(api, console, all).await;
    }
    let mut objects = Vec::new();
    for id in &ids {
        objects.push(api.resolve(kind, id, workspace.as_deref()).await?);
    }
    match objects.as_slice() {
        [object] => show::one(console, kind, object),
        [first, others @ ..]
            if *kind == kinds::BLOCK && console.format == Format::Table && !console.quiet =>
        {
            show::one(console, kind, first)?;
            for object in others {
                console.line("\n---\n")?;
                show::one(console, kind, object)?;
            }
            Ok(())
        }
        objects => show::list(console, kind, objects),
    }
}

/// Lists things of one kind.
pub(crate) async fn list(api: &Api, console: &mut Console, list: List) -> Result<(), Failure> {
    let kind = list.kind;
    let mut query = Query::new();
    if let Some(workspace) = &list.workspace {
        let Some(filter) = kind.workspace_filter else {
            return Err(Failure::Usage(format!("{} cannot be listed by workspace", kind.collection)));
        };
        query.push((filter, workspace.clone()));
    } else if *kind == kinds::DEFINITION {
        query.push(("includeAllPublished", "true".to_owned()));
    }
    if let Some(definition) = &list.definition {
        let definition = api.resolve(&kinds::DEFINITION, definition, None).await?;
        let filter = filter_of(
            kind,
            "definition",
            &[(&kinds::VERSION, "buildingBlockDefinitionUuid"), (&kinds::BLOCK, "definitionUuid")],
        )?;
        query.push((filter, id_of(&kinds::DEFINITION, &definition)?));
    } else if *kind == kinds::VERSION
        && !list.filters.iter().any(|(key, _)| key == "buildingBlockDefinitionUuid")
    {
        return Err(Failure::Usage("versions are listed by definition: give --definition".to_owned()));
    }
    if let Some(block) = &list.block {
        let filter = filter_of(kind, "block", &[(&kinds::RUN, "buildingBlockUuid")])?;
        query.push((filter, api.block_uuid(block, list.workspace.as_deref()).await?));
    }
    query.extend(list.filters.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let objects = api.list(kind, &query, list.limit).await?;
    show::list(console, kind, &objects)
}

/// The filter of a list that narrows it down to one thing of another kind.
fn filter_of(kind: &Kind, by: &str, filters: &[(&Kind, &'static str)]) -> Result<&'static str, Failure> {
    let found = filters.iter().find(|(narrowed, _)| *narrowed == kind);
    found
        .map(|(_, filter)| *filter)
        .ok_or_else(|| Failure::Usage(format!("{} cannot be listed by {by}", kind.collection)))
}
