//! Where the state of a module lives: in its own backend, at the server, or nowhere.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use stoa_client::runs::{BuildingBlock, Run};

use super::expression::written;
use crate::environment::Environment;
use crate::folder::write_new;

/// What must not stand plainly in one part of a path.
const PATH_PART: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`');

/// Makes the server keep the state; where. The run's token, which opens it, stays out of every file.
pub(crate) fn keep_at_server(
    base_url: &str,
    run: &Run,
    run_token: &str,
    folder: &Path,
    environment: &mut Environment,
) -> std::io::Result<String> {
    let part = |text: &str| utf8_percent_encode(text, PATH_PART).to_string();
    let block = &run.building_block;
    let (workspace, uuid) = (part(&block.workspace_identifier), part(&block.uuid));
    let address = format!("{base_url}/api/terraform/state/workspace/{workspace}/buildingBlock/{uuid}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let text = format!(
        "terraform {{\n  backend \"http\" {{\n    address = {}\n  }}\n}}\n",
        written(&address.as_str().into())
    );
    write_new(&folder.join(format!("meshStack_httpbackend-{now}.tf")), text.as_bytes())?;
    environment.set("TF_HTTP_USERNAME", "x");
    environment.set("TF_HTTP_PASSWORD", run_token);
    Ok(address)
}

/// The name of the workspace that belongs to a block.
pub(crate) fn workspace_name(block: &BuildingBlock) -> String {
    format!(
        "{}.{}.{}:{}",
        block.workspace_identifier,
        block.project_identifier.as_deref().unwrap_or_default(),
        block.full_platform_identifier.as_deref().unwrap_or_default(),
        block.uuid
    )
}

/// The workspace of a block among those that `workspace list` names. Only the block's uuid counts: everything before
/// it may have been renamed.
pub(crate) fn existing_workspace<'a>(listed: &'a str, block_uuid: &str) -> Option<&'a str> {
    let names = listed.lines().map(|line| line.trim_start_matches('*').trim());
    names.into_iter().find(|name| !name.is_empty() && name.ends_with(block_uuid))
}

#[cfg(test)]
mod tests {
    use super::existing_workspace;

    #[test]
    fn a_workspace_is_found_by_its_end() {
        let listed = "  default\n* shop.prod.k8s:b-1\n  shop..:b-2\n\n";
        assert_eq!(existing_workspace(listed, "b-1"), Some("shop.prod.k8s:b-1"));
        assert_eq!(existing_workspace(listed, "b-2"), Some("shop..:b-2"));
        assert_eq!(existing_workspace(listed, "b-3"), None);
    }
}
