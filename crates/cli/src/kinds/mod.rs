//! The kinds the commands know: what people call them, where they live, what their tables show.

mod blocks;
mod organization;
mod platforms;

pub(crate) use blocks::{API_KEY, API_USER, BLOCK, DEFINITION, EVENT_LOG, INTEGRATION, RUN, RUNNER, VERSION};
#[cfg(test)]
pub(crate) use organization::USER;
pub(crate) use organization::{COMMUNICATION_DEFINITION, PROJECT, WORKSPACE};
pub(crate) use platforms::{LOCATION, PLATFORM, TENANT};

use crate::table::Column;
use serde_json::Value;

/// One kind of object.
#[derive(Debug)]
pub struct Kind {
    /// Name in the API, for example `meshWorkspace`.
    pub name: &'static str,
    /// Version in its media type.
    pub version: &'static str,
    /// Segment of its path.
    pub collection: &'static str,
    /// What people may call it.
    pub words: &'static [&'static str],
    /// How one is told from the others.
    pub(crate) address: Address,
    /// Filter that narrows a list to one workspace.
    pub(crate) workspace_filter: Option<&'static str>,
    /// How one is made and changed.
    pub(crate) writes: Writes,
    /// Columns of its table.
    pub(crate) columns: &'static [Column],
}

/// How an object is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// By `metadata.name`.
    Name,
    /// By `<workspace>.<name>`.
    InWorkspace,
    /// By `metadata.instanceId`, which whoever makes it chooses.
    InstanceId,
    /// By `metadata.uuid`; people use other words.
    Uuid(Called),
}

/// What people call an object whose identifier is a uuid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// Nothing but its uuid.
    Nothing,
    /// The text at a pointer, within its workspace; with the filter for it, where the API has one.
    Text(&'static str, Option<&'static str>),
    /// `<platform>.<location>`.
    PlatformInLocation,
    /// `<workspace>.<project>.<platform>.<location>`.
    TenantName,
    /// What was sent to whom: a definition and a target.
    Sent,
}

/// The display name.
const DISPLAY_NAME: &str = "/spec/displayName";

/// How objects of a kind are made and changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// POST and PUT.
    Freely,
    /// POST alone: to change one is to delete it and to make another.
    Once,
    /// Neither: through the declarative import.
    Import,
    /// Only the server makes them.
    Never,
}

/// All kinds, in the order in which a set of manifests is applied: what others refer to comes first.
pub(crate) static ALL: [&Kind; 28] = [
    &organization::TAG_DEFINITION,
    &organization::PROJECT_ROLE,
    &WORKSPACE,
    &organization::USER,
    &organization::GROUP,
    &organization::WORKSPACE_USER_BINDING,
    &organization::WORKSPACE_GROUP_BINDING,
    &organization::PAYMENT_METHOD,
    &PROJECT,
    &organization::PROJECT_USER_BINDING,
    &organization::PROJECT_GROUP_BINDING,
    &API_USER,
    &API_KEY,
    &RUNNER,
    &INTEGRATION,
    &platforms::PLATFORM_TYPE,
    &LOCATION,
    &PLATFORM,
    &DEFINITION,
    &VERSION,
    &platforms::LANDING_ZONE,
    &TENANT,
    &BLOCK,
    &COMMUNICATION_DEFINITION,
    &organization::COMMUNICATION,
    &organization::SERVICE_INSTANCE,
    &RUN,
    &EVENT_LOG,
];

impl Kind {
    /// The kind a person means by `word`: a friendly name, or the name in the API, in any case.
    pub fn parse(word: &str) -> Result<&'static Self, String> {
        let word = word.to_lowercase();
        let means = |kind: &Kind| kind.words.contains(&word.as_str()) || kind.name.to_lowercase() == word;
        ALL.into_iter().find(|kind| means(kind) || kind.collection == word).ok_or_else(|| {
            let known: Vec<_> = ALL.iter().filter_map(|kind| kind.words.first().copied()).collect();
            format!("no such kind; there are {}", known.join(", "))
        })
    }

    /// What people may call the kinds.
    pub(crate) fn words_of_all() -> Vec<&'static str> {
        ALL.into_iter().flat_map(|kind| kind.words).copied().collect()
    }

    /// Its media type.
    pub(crate) fn media(&self) -> String {
        stoa_client::media(self.name, self.version)
    }

    /// What a person calls one of it.
    pub(crate) fn word(&self) -> &'static str {
        self.words.first().copied().unwrap_or(self.name)
    }

    /// Its place in [`ALL`].
    pub(crate) fn rank(&self) -> usize {
        ALL.iter().position(|kind| kind.name == self.name).unwrap_or(ALL.len())
    }

    /// The identifier of `object` in a path.
    pub(crate) fn id(&self, object: &Value) -> Option<String> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        match self.address {
            Address::Name => text("/metadata/name").map(str::to_owned),
            Address::InWorkspace => {
                Some(format!("{}.{}", text("/metadata/ownedByWorkspace")?, text("/metadata/name")?))
            }
            Address::InstanceId => text("/metadata/instanceId").map(str::to_owned),
            Address::Uuid(_) => text("/metadata/uuid").map(str::to_owned),
        }
    }

    /// Whether what people call one of it is told apart by its workspace.
    pub(crate) fn is_within_workspace(&self) -> bool {
        matches!(self.address, Address::Uuid(Called::Text(..))) && self.name != COMMUNICATION_DEFINITION.name
    }

    /// What people call `object`, where that is not its identifier.
    pub(crate) fn called(&self, object: &Value) -> Option<String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        match self.address {
            Address::Uuid(Called::Text(pointer, _)) => text(pointer).map(str::to_owned),
            Address::Uuid(Called::PlatformInLocation) => {
                Some(format!("{}.{}", text("/metadata/name")?, text("/spec/locationRef/name")?))
            }
            Address::Uuid(Called::TenantName) => text("/status/tenantName").map(str::to_owned),
            Address::Uuid(Called::Nothing | Called::Sent)
            | Address::Name
            | Address::InWorkspace
            | Address::InstanceId => None,
        }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_may_use_their_own_words() {
        let cases = [
            ("ws", "meshWorkspace"),
            ("Workspaces", "meshWorkspace"),
            ("meshworkspace", "meshWorkspace"),
            ("meshworkspaces", "meshWorkspace"),
            ("projects", "meshProject"),
            ("bbd", "meshBuildingBlockDefinition"),
            ("bbdv", "meshBuildingBlockDefinitionVersion"),
            ("bb", "meshBuildingBlock"),
            ("runs", "meshBuildingBlockRun"),
            ("runner", "meshBuildingBlockRunner"),
            ("integration", "meshIntegration"),
            ("apikey", "meshApiKey"),
            ("users", "meshUser"),
            ("events", "meshEventLog"),
            ("eventlog", "meshEventLog"),
            ("apiuser", "meshApiUser"),
            ("groups", "meshWorkspaceUserGroup"),
            ("wub", "meshWorkspaceUserBinding"),
            ("projectgroupbinding", "meshProjectGroupBinding"),
            ("meshprojectbindings/userbindings", "meshProjectUserBinding"),
            ("role", "meshProjectRole"),
            ("tags", "meshTagDefinition"),
            ("pm", "meshPaymentMethod"),
            ("platformtype", "meshPlatformType"),
            ("location", "meshLocation"),
            ("platforms", "meshPlatform"),
            ("lz", "meshLandingZone"),
            ("tenant", "meshTenant"),
            ("messages", "meshCommunication"),
        ];
        for (word, name) in cases {
            assert_eq!(Kind::parse(word).map(|kind| kind.name), Ok(name), "{word}");
        }
        assert!(Kind::parse("pod").is_err_and(|text| text.contains("workspace, user")));
    }

    #[test]
    fn no_word_means_two_kinds() {
        let mut words: Vec<_> = ALL.iter().flat_map(|kind| kind.words).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn identifiers_follow_the_kind() {
        let object = json!({ "metadata": { "name": "web", "ownedByWorkspace": "acme", "uuid": "u" } });
        assert_eq!(WORKSPACE.id(&object).as_deref(), Some("web"));
        assert_eq!(PROJECT.id(&object).as_deref(), Some("acme.web"));
        assert_eq!(BLOCK.id(&object).as_deref(), Some("u"));
        assert_eq!(PROJECT.id(&json!({})), None);
        let platform = json!({ "metadata": { "name": "yard", "uuid": "u" }, "spec": { "locationRef": { "name": "dc" } } });
        assert_eq!(PLATFORM.id(&platform).as_deref(), Some("u"));
        assert_eq!(PLATFORM.called(&platform).as_deref(), Some("yard.dc"));
        assert_eq!(WORKSPACE.called(&object), None);
    }
}
