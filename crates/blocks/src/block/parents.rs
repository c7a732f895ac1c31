//! The parents of a block: whose outputs it may take (`api-building-blocks.md` §5.1).

use super::model::{Lifecycle, Parent};
use super::wire::{ParentEntry, Reference};
use super::{KIND, locked, uuid_of};
use crate::version::wire::{Assignment, Version};
use stoa_base::{ObjectId, Refusal};
use stoa_core::{Outcome, objects};
use stoa_db::Tx;

/// The parents a request names: both fields at once must agree.
pub fn named(
    refs: Option<&Vec<Reference>>,
    entries: Option<&Vec<ParentEntry>>,
) -> Outcome<Option<Vec<String>>> {
    let by_ref = refs
        .map(|refs| {
            refs.iter()
                .map(|found| uuid_of(found, KIND, "spec.parentBuildingBlockRefs"))
                .collect::<Outcome<Vec<_>>>()
        })
        .transpose()?;
    let by_entry: Option<Vec<String>> =
        entries.map(|entries| entries.iter().map(|entry| entry.building_block_uuid.clone()).collect());
    let sorted = |list: &Vec<String>| {
        let mut list = list.clone();
        list.sort();
        list.dedup();
        list
    };
    match (by_ref, by_entry) {
        (Some(a), Some(b)) if sorted(&a) != sorted(&b) => {
            let problem = "and spec.parentBuildingBlockRefs must name the same blocks";
            Err(Refusal::invalid("spec.parentBuildingBlocks", problem).into())
        }
        (Some(list), _) | (None, Some(list)) => Ok(Some(sorted(&list))),
        (None, None) => Ok(None),
    }
}

/// Checks the parents and that every input that needs one has exactly one.
pub fn checked(
    tx: &mut Tx,
    version: &Version,
    workspace: &str,
    own: Option<ObjectId>,
    named: &[String],
) -> Outcome<Vec<Parent>> {
    const FIELD: &str = "spec.parentBuildingBlockRefs";
    let mut parents: Vec<Parent> = Vec::new();
    for uuid in named {
        let refuse = |problem: &str| Refusal::invalid(FIELD, format!("names {uuid}, which {problem}"));
        let object = objects::by_uuid_text(tx, KIND, uuid)?.ok_or_else(|| refuse("does not exist"))?;
        let parent = locked(tx, &object)?; // nobody deletes it meanwhile
        if parent.status.lifecycle != Lifecycle::Active || Some(parent.object.id) == own {
            return Err(refuse("is not an active block").into());
        }
        if parent.workspace() != workspace {
            return Err(refuse("belongs to another workspace").into());
        }
        if !version.dependencies.contains(&parent.block.definition) {
            return Err(refuse("is of a definition that this version does not depend on").into());
        }
        parents.push(Parent { block: parent.object.id, definition: parent.block.definition });
    }
    for (key, input) in &version.inputs {
        if input.assignment_type != Assignment::BuildingBlockOutput {
            continue;
        }
        let definition = input.argument.as_str().and_then(|text| text.split('.').next()).unwrap_or_default();
        let count = parents.iter().filter(|parent| parent.definition.to_string() == definition).count();
        if count != 1 {
            let problem = format!(
                "must name exactly one block of definition {definition} for input `{key}`, not {count}"
            );
            return Err(Refusal::invalid(FIELD, problem).into());
        }
    }
    Ok(parents)
}
