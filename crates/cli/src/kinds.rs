//! The kinds the commands know: what people call them, where they live, what their tables show.

use crate::table::{Cell, Column};
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
    /// By `metadata.uuid`; people may also use the display name, which this filter narrows down to.
    Uuid {
        /// Filter for display names, where the API has one.
        name_filter: Option<&'static str>,
    },
}

/// meshWorkspace.
pub(crate) static WORKSPACE: Kind = Kind {
    name: "meshWorkspace",
    version: "v2",
    collection: "meshworkspaces",
    words: &["workspace", "workspaces", "ws"],
    address: Address::Name,
    workspace_filter: None,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("BUILDER", Cell::Text("/spec/platformBuilderAccessEnabled")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshProject.
pub(crate) static PROJECT: Kind = Kind {
    name: "meshProject",
    version: "v2",
    collection: "meshprojects",
    words: &["project", "projects"],
    address: Address::InWorkspace,
    workspace_filter: Some("workspaceIdentifier"),
    columns: &[
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshUser.
pub(crate) static USER: Kind = Kind {
    name: "meshUser",
    version: "v2",
    collection: "meshusers",
    words: &["user", "users"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("FIRST NAME", Cell::Text("/spec/firstName")),
        Column("LAST NAME", Cell::Text("/spec/lastName")),
        Column("EMAIL", Cell::Text("/spec/email")),
    ],
};

/// meshApiUser.
pub(crate) static API_USER: Kind = Kind {
    name: "meshApiUser",
    version: "v1-preview",
    collection: "meshapiusers",
    words: &["apiuser", "apiusers"],
    address: Address::Name,
    workspace_filter: None,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshTagDefinition.
pub(crate) static TAG_DEFINITION: Kind = Kind {
    name: "meshTagDefinition",
    version: "v1",
    collection: "meshtagdefinitions",
    words: &["tag", "tags", "tagdefinition", "tagdefinitions"],
    address: Address::Name,
    workspace_filter: None,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("MANDATORY", Cell::Text("/spec/mandatory")),
        Column("IMMUTABLE", Cell::Text("/spec/immutable")),
        Column("RESTRICTED", Cell::Text("/spec/restricted")),
    ],
};

/// meshApiKey.
pub(crate) static API_KEY: Kind = Kind {
    name: "meshApiKey",
    version: "v1-preview",
    collection: "meshapikeys",
    words: &["apikey", "apikeys", "key", "keys"],
    address: Address::Uuid { name_filter: Some("displayName") },
    workspace_filter: Some("workspaceIdentifier"),
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("PERMISSIONS", Cell::Count("/spec/permissions")),
        Column("EXPIRES", Cell::Text("/spec/expiresAt")),
    ],
};

/// meshBuildingBlockRunner.
pub(crate) static RUNNER: Kind = Kind {
    name: "meshBuildingBlockRunner",
    version: "v1-preview",
    collection: "meshbuildingblockrunners",
    words: &["runner", "runners"],
    address: Address::Uuid { name_filter: None },
    workspace_filter: Some("ownedByWorkspace"),
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/implementationType")),
        Column("RESTRICTION", Cell::Text("/spec/restriction")),
        Column("LAST SEEN", Cell::Age("/metadata/lastSeen")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshIntegration.
pub(crate) static INTEGRATION: Kind = Kind {
    name: "meshIntegration",
    version: "v1",
    collection: "meshintegrations",
    words: &["integration", "integrations"],
    address: Address::Uuid { name_filter: Some("displayName") },
    workspace_filter: Some("ownedByWorkspace"),
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/config/type")),
        Column("BUILT IN", Cell::Text("/status/isBuiltIn")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlockDefinition.
pub(crate) static DEFINITION: Kind = Kind {
    name: "meshBuildingBlockDefinition",
    version: "v1-preview",
    collection: "meshbuildingblockdefinitions",
    words: &["definition", "definitions", "bbd"],
    address: Address::Uuid { name_filter: None },
    workspace_filter: Some("ownedByWorkspace"),
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TARGET", Cell::Text("/spec/targetType")),
        Column("RELEASED", Cell::Text("/status/latestReleasedVersion")),
        Column("LATEST", Cell::Text("/status/latestVersion")),
        Column("BLOCKS", Cell::Text("/status/usageCount")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlockDefinitionVersion.
pub(crate) static VERSION: Kind = Kind {
    name: "meshBuildingBlockDefinitionVersion",
    version: "v1-preview",
    collection: "meshbuildingblockdefinitionversions",
    words: &["version", "versions", "bbdv"],
    address: Address::Uuid { name_filter: None },
    workspace_filter: None,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("DEFINITION", Cell::Text("/spec/buildingBlockDefinitionRef/uuid")),
        Column("VERSION", Cell::Text("/spec/versionNumber")),
        Column("STATE", Cell::Text("/spec/state")),
        Column("IMPLEMENTATION", Cell::Text("/spec/implementation/type")),
        Column("INPUTS", Cell::Count("/spec/inputs")),
        Column("OUTPUTS", Cell::Count("/spec/outputs")),
        Column("BLOCKS", Cell::Text("/status/usageCount")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlock.
pub(crate) static BLOCK: Kind = Kind {
    name: "meshBuildingBlock",
    version: "v2-preview",
    collection: "meshbuildingblocks",
    words: &["block", "blocks", "bb"],
    address: Address::Uuid { name_filter: Some("name") },
    workspace_filter: Some("workspaceIdentifier"),
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("STATUS", Cell::Text("/status/status")),
        Column("LIFECYCLE", Cell::Text("/status/lifecycle/state")),
        Column("LATEST RUN", Cell::Text("/status/latestRunUuid")),
    ],
};

/// meshBuildingBlockRun.
pub(crate) static RUN: Kind = Kind {
    name: "meshBuildingBlockRun",
    version: "v1",
    collection: "meshbuildingblockruns",
    words: &["run", "runs"],
    address: Address::Uuid { name_filter: None },
    workspace_filter: None,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("BLOCK", Cell::Text("/spec/buildingBlock/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/spec/buildingBlock/spec/workspaceIdentifier")),
        Column("RUN", Cell::Text("/spec/runNumber")),
        Column("BEHAVIOR", Cell::Text("/spec/behavior")),
        Column("STATUS", Cell::Text("/status")),
        Column("REASON", Cell::Text("/spec/trigger/reason")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshEventLog.
pub(crate) static EVENT_LOG: Kind = Kind {
    name: "meshEventLog",
    version: "v1-preview",
    collection: "mesheventlogs",
    words: &["eventlog", "eventlogs", "event", "events"],
    address: Address::Uuid { name_filter: None },
    workspace_filter: Some("workspaceIdentifier"),
    columns: &[
        Column("TIME", Cell::Text("/metadata/createdAt")),
        Column("EVENT", Cell::Text("/spec/eventType")),
        Column("TITLE", Cell::Text("/spec/title")),
        Column("WORKSPACE", Cell::Text("/spec/workspaceRef/name")),
        Column("AUTHOR", Cell::Text("/spec/author/identifier")),
        Column("DESCRIPTION", Cell::Text("/spec/description")),
    ],
};

/// All kinds, in the order in which a set of manifests is applied: what others refer to comes first.
pub(crate) static ALL: [&Kind; 13] = [
    &TAG_DEFINITION,
    &WORKSPACE,
    &PROJECT,
    &USER,
    &API_USER,
    &API_KEY,
    &RUNNER,
    &INTEGRATION,
    &DEFINITION,
    &VERSION,
    &BLOCK,
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
            Address::Uuid { .. } => text("/metadata/uuid").map(str::to_owned),
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
        ];
        for (word, name) in cases {
            assert_eq!(Kind::parse(word).map(|kind| kind.name), Ok(name), "{word}");
        }
        assert!(Kind::parse("pod").is_err_and(|text| text.contains("workspace, project")));
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
    }
}
