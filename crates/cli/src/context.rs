//! Which server and which key: from options, the environment, a key file, or stored contexts.

use crate::args::Global;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use stoa_client::Credential;

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// Base URL.
    pub(crate) url: String,
    /// Who is asking.
    pub(crate) credential: Credential,
}

/// The stored contexts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one in force when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

/// A server with a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Context {
    /// Base URL.
    pub(crate) url: String,
    /// Client id of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// A ready token in place of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_token: Option<String>,
}

/// A key as a file holds it, such as the server's `admin-key.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyFile {
    /// Base URL of the server that issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Client id.
    pub(crate) client_id: String,
    /// Secret.
    pub(crate) client_secret: String,
}

impl Contexts {
    /// All of them by name, and whether each is the one in force.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Context, bool)> {
        let current = self.current.as_deref();
        self.contexts.iter().map(move |(name, context)| (name.as_str(), context, current == Some(name)))
    }

    fn named(&self, name: &str) -> Result<&Context, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<_> = self.contexts.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::Configuration(format!("no context `{name}` is stored; there is {known}"))
        })
    }
}

impl Context {
    fn credential(&self) -> Credential {
        match (&self.api_token, &self.client_id, &self.client_secret) {
            (Some(token), _, _) => Credential::Token(token.clone()),
            (None, Some(client_id), Some(client_secret)) => {
                Credential::Key { client_id: client_id.clone(), client_secret: client_secret.clone() }
            }
            _ => Credential::None,
        }
    }
}

impl KeyFile {
    /// Reads a key file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let unusable = |problem: &dyn std::fmt::Display| {
            Failure::Configuration(format!("cannot use the key file `{}`: {problem}", path.display()))
        };
        for_owner_only(path)?;
        let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
        serde_json::from_str(&text).map_err(|error| unusable(&error))
    }

    /// Writes it, readable by its owner alone.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::Operation(format!("cannot write the key: {error}")))?;
        write_private(path, &format!("{text}\n"))
    }
}

/// What options and environment say about the credential, if anything.
pub(crate) fn given_credential(global: &Global) -> Result<Option<Credential>, Failure> {
    if let Some(token) = filled(global.api_token.as_ref()) {
        return Ok(Some(Credential::Token(token)));
    }
    match (filled(global.client_id.as_ref()), filled(global.client_secret.as_ref())) {
        (Some(client_id), Some(client_secret)) => Ok(Some(Credential::Key { client_id, client_secret })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::Configuration(
            "a client id is given without its secret: set STOA_CLIENT_SECRET".into(),
        )),
        (None, Some(_)) => {
            Err(Failure::Configuration("a client secret is given without its id: set STOA_CLIENT_ID".into()))
        }
    }
}

/// Settles where to connect. A named context wins as a whole; then options and environment, completed from
/// the key file and then from the stored context of that server; then the current context.
pub(crate) fn settle(global: &Global, store: &Store) -> Result<Connection, Failure> {
    if let Some(name) = filled(global.context.as_ref()) {
        let contexts = store.read()?;
        let context = contexts.named(&name)?;
        return Ok(Connection { url: context.url.clone(), credential: context.credential() });
    }
    let key_file = global.key_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let key_file = key_file.map(KeyFile::read).transpose()?;
    let from_file = |file: &KeyFile| Credential::Key {
        client_id: file.client_id.clone(),
        client_secret: file.client_secret.clone(),
    };
    let url = filled(global.server.as_ref()).or_else(|| key_file.as_ref().and_then(|file| file.url.clone()));
    let credential = given_credential(global)?.or_else(|| key_file.as_ref().map(from_file));
    if let (Some(url), Some(credential)) = (&url, &credential) {
        return Ok(Connection { url: url.clone(), credential: credential.clone() });
    }
    let contexts = store.read()?;
    let stored = match &url {
        Some(url) => contexts.contexts.values().find(|context| is_same_server(&context.url, url)),
        None => contexts.current.as_ref().and_then(|name| contexts.contexts.get(name)),
    };
    match (url, stored) {
        (None, None) => Err(Failure::Configuration(
            "no server is known: use `stoa login URL`, or set STOA_URL, STOA_CLIENT_ID and STOA_CLIENT_SECRET"
                .into(),
        )),
        (Some(url), stored) => {
            let stored = stored.map_or(Credential::None, Context::credential);
            Ok(Connection { url, credential: credential.unwrap_or(stored) })
        }
        (None, Some(context)) => Ok(Connection {
            url: context.url.clone(),
            credential: credential.unwrap_or_else(|| context.credential()),
        }),
    }
}

fn is_same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// An option that was given, and not given empty.
pub(crate) fn filled(option: Option<&String>) -> Option<String> {
    option.filter(|text| !text.is_empty()).cloned()
}

/// The file of stored contexts.
#[derive(Clone, Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// The file in the person's configuration folder.
    pub(crate) fn of_person() -> Result<Self, Failure> {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = folder("XDG_CONFIG_HOME")
            .or_else(|| folder("APPDATA"))
            .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
        let own = folder("STOA_CONFIG_DIR").or_else(|| base.map(|base| base.join("stoa")));
        let own = own.ok_or_else(|| {
            Failure::Configuration("no folder for settings is known: set STOA_CONFIG_DIR or HOME".into())
        })?;
        Ok(Self::at(&own))
    }

    /// The file in `folder`.
    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.join("contexts.toml"))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is stored.
    pub(crate) fn read(&self) -> Result<Contexts, Failure> {
        for_owner_only(&self.0)?;
        let unusable = |problem: &dyn std::fmt::Display| {
            Failure::Configuration(format!("cannot use `{}`: {problem}", self.0.display()))
        };
        match std::fs::read_to_string(&self.0) {
            Ok(text) => toml::from_str(&text).map_err(|error| unusable(&error.message())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contexts::default()),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Stores a context under a name and makes it the current one.
    pub(crate) fn keep(&self, name: &str, context: Context) -> Result<(), Failure> {
        let mut contexts = self.read()?;
        contexts.contexts.insert(name.to_owned(), context);
        contexts.current = Some(name.to_owned());
        self.write(&contexts)
    }

    /// Makes a stored context the current one.
    pub(crate) fn choose(&self, name: &str) -> Result<(), Failure> {
        let mut contexts = self.read()?;
        contexts.named(name)?;
        contexts.current = Some(name.to_owned());
        self.write(&contexts)
    }

    /// Forgets contexts: all of them, or none when one is not there.
    pub(crate) fn forget(&self, names: &[String]) -> Result<(), Failure> {
        let mut contexts = self.read()?;
        for name in names {
            contexts.named(name)?;
        }
        contexts.contexts.retain(|name, _| !names.contains(name));
        contexts.current = contexts.current.filter(|name| !names.contains(name));
        self.write(&contexts)
    }

    fn write(&self, contexts: &Contexts) -> Result<(), Failure> {
        let text = toml::to_string(contexts)
            .map_err(|error| Failure::Operation(format!("cannot write the contexts: {error}")))?;
        if let Some(folder) = self.0.parent() {
            private_folder(folder)
                .map_err(|error| Failure::Operation(format!("cannot use `{}`: {error}", folder.display())))?;
        }
        write_private(&self.0, &text)
    }
}

/// Refuses a file with credentials that other people on this machine can read.
fn for_owner_only(file: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    if let Ok(found) = std::fs::metadata(file) {
        use std::os::unix::fs::PermissionsExt;
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            let file = file.display();
            return Err(Failure::Configuration(format!(
                "`{file}` holds credentials, and everybody on this machine may use it (mode {mode:04o}): \
                 `chmod 600 {file}`, and change the key if somebody may have read it"
            )));
        }
    }
    Ok(())
}

/// Makes a folder that only its owner may enter, or an existing one such.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let attempt = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let draft = folder.join(name);
        // A draft left by a process that died may be readable by others.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    attempt().map_err(|error| Failure::Operation(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(url: &str, id: &str) -> Context {
        Context {
            url: url.to_owned(),
            client_id: Some(id.to_owned()),
            client_secret: Some(format!("{id}-secret")),
            api_token: None,
        }
    }

    fn shown(found: Result<Connection, Failure>) -> String {
        match found {
            Ok(connection) => {
                let who = match connection.credential {
                    Credential::Key { client_id, .. } => client_id,
                    Credential::Token(token) => format!("token {token}"),
                    Credential::Basic { user, .. } => user,
                    Credential::None => "nobody".to_owned(),
                };
                format!("{} as {who}", connection.url)
            }
            Err(failure) => format!("{}: {failure}", failure.code()),
        }
    }

    #[test]
    fn the_nearest_word_decides_where_to_connect() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let store = Store::at(folder);
        store.keep("one", context("https://one.example", "id-1")).unwrap();
        store.keep("two", context("https://two.example", "id-2")).unwrap();
        let key_file = folder.join("key.json");
        KeyFile { url: Some("http://file".into()), client_id: "f".into(), client_secret: "s".into() }
            .write(&key_file)
            .unwrap();

        let with = |server: &str, id: &str, context: &str, file: Option<&Path>| Global {
            server: Some(server.to_owned()),
            client_id: Some(id.to_owned()),
            client_secret: (!id.is_empty()).then(|| "s".to_owned()),
            context: Some(context.to_owned()),
            key_file: file.map(Path::to_owned),
            ..Global::default()
        };
        for (global, expected) in [
            (with("", "", "", None), "https://two.example as id-2"),
            (with("", "", "one", None), "https://one.example as id-1"),
            (with("https://else", "x", "one", None), "https://one.example as id-1"),
            (with("https://ONE.example/", "", "", None), "https://ONE.example/ as id-1"),
            (with("https://else", "", "", None), "https://else as nobody"),
            (with("https://else", "x", "", None), "https://else as x"),
            (with("", "x", "", None), "https://two.example as x"),
            (with("", "", "", Some(&key_file)), "http://file as f"),
            (with("https://else", "", "", Some(&key_file)), "https://else as f"),
            (with("", "x", "", Some(&key_file)), "http://file as x"),
            (with("", "", "three", None), "78: no context `three` is stored; there is one, two"),
        ] {
            assert_eq!(shown(settle(&global, &store)), expected, "{global:?}");
        }
        let half = Global { client_id: Some("x".into()), ..Global::default() };
        assert!(shown(settle(&half, &store)).starts_with("78: a client id is given without its secret"));
        let nothing = Store::at(&folder.join("empty"));
        assert!(shown(settle(&Global::default(), &nothing)).starts_with("78: no server is known"));
    }

    #[cfg(unix)]
    #[test]
    fn stored_keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let store = Store::at(folder);
        store.keep("a", context("https://a", "id")).unwrap();
        store.keep("b", context("https://b", "id")).unwrap();
        assert_eq!(std::fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no drafts stay behind");

        std::fs::write(store.path(), "current = 3").unwrap();
        assert_eq!(store.keep("c", context("https://c", "id")).unwrap_err().code(), 78);
    }
}
