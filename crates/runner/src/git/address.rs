//! Addresses of repositories and names of revisions, checked before git sees them.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::NoSources;

/// Where a repository is: https, ssh, or a local path where that is allowed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    transport: Transport,
}

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    Ssh,
    Local,
}

impl Transport {
    /// The name by which git allows it.
    pub(crate) const fn protocol(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Ssh => "ssh",
            Self::Local => "file",
        }
    }
}

impl Address {
    /// Reads an address. Local paths are refused unless `local_allowed`; every other form but https and ssh always is.
    pub(crate) fn parse(text: &str, local_allowed: bool) -> Result<Self, NoSources> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NoSources::refused("The definition names no repository"));
        }
        if text.starts_with('-') || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(unknown(text));
        }
        let transport = match text.split_once("://") {
            Some(("https", _)) => https(text)?,
            Some(("ssh", _)) => ssh(text)?,
            Some(("file", path)) if path.starts_with('/') => Transport::Local,
            Some(_) => return Err(unknown(text)),
            None if text.starts_with('/') => Transport::Local,
            None => short_ssh(text)?,
        };
        if transport == Transport::Local && !local_allowed {
            let why = "This runner does not take sources from local paths. It has to be started so that they are allowed";
            return Err(NoSources::refused(why));
        }
        Ok(Self { text: text.to_owned(), transport })
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// For git, with everything in it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The folder of a local repository.
    pub(crate) fn local_path(&self) -> Option<PathBuf> {
        let is_local = self.transport == Transport::Local;
        is_local.then(|| PathBuf::from(self.text.strip_prefix("file://").unwrap_or(&self.text)))
    }

    /// The password inside the address, if somebody put one there.
    pub(crate) fn password(&self) -> Option<String> {
        let url = Url::parse(&self.text).ok()?;
        let password = url.password().filter(|password| !password.is_empty());
        let token =
            (self.transport == Transport::Https).then(|| url.username()).filter(|user| !user.is_empty());
        let found = password.or(token)?;
        Some(percent_encoding::percent_decode_str(found).decode_utf8_lossy().into_owned())
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.text) {
            Ok(mut url) if self.transport == Transport::Https => {
                // Cannot fail: https addresses have a host.
                let _ = url.set_password(None);
                let _ = url.set_username("");
                f.write_str(url.as_str())
            }
            _ => f.write_str(&self.text),
        }
    }
}

fn unknown(text: &str) -> NoSources {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    // Whatever it is, it may hold a password.
    let shown = shown.rsplit_once('@').map_or(shown.as_str(), |(_, rest)| rest);
    NoSources::refused(format!(
        "`{shown}` is not a repository address this runner accepts: use https://host/path, ssh://user@host/path or user@host:path"
    ))
}

fn https(text: &str) -> Result<Transport, NoSources> {
    let url = Url::parse(text).map_err(|_| unknown(text))?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.starts_with('-') { Err(unknown(text)) } else { Ok(Transport::Https) }
}

fn ssh(text: &str) -> Result<Transport, NoSources> {
    let url = Url::parse(text).map_err(|_| unknown(text))?;
    let is_sound = url.host_str().is_some_and(is_host)
        && (url.username().is_empty() || is_user(url.username()))
        && !url.path().trim_start_matches('/').is_empty()
        && !url.path().starts_with("/-");
    if is_sound { Ok(Transport::Ssh) } else { Err(unknown(text)) }
}

/// `user@host:path`, the short way to write an ssh address.
fn short_ssh(text: &str) -> Result<Transport, NoSources> {
    let parts = text.split_once(':').and_then(|(place, path)| Some((place.split_once('@')?, path)));
    match parts {
        Some(((user, host), path))
            if is_user(user) && is_host(host) && !path.is_empty() && !path.starts_with([':', '-']) =>
        {
            Ok(Transport::Ssh)
        }
        _ => Err(unknown(text)),
    }
}

fn is_user(user: &str) -> bool {
    !user.starts_with('-')
        && user.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'%'))
}

fn is_host(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    !plain.is_empty()
        && !plain.starts_with('-')
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'))
}

/// A branch, a tag or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference(String);

impl Reference {
    /// Reads the name of a revision by the rules git has for names; none means the repository's own default.
    pub(crate) fn parse(text: Option<&str>) -> Result<Option<Self>, NoSources> {
        let Some(name) = text.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
        let is_sound = name.len() <= 255
            && !name.starts_with(['-', '/', '.'])
            && !name.ends_with(['/', '.'])
            && !name
                .split('/')
                .any(|part| part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some())
            && !name.contains("..")
            && !name.contains("@{")
            && !name.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c));
        if is_sound {
            Ok(Some(Self(name.to_owned())))
        } else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
            Err(NoSources::refused(format!("`{shown}` cannot be the name of a branch, a tag or a commit")))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can only mean one commit, by its full name.
    pub(crate) fn is_full_commit(&self) -> bool {
        matches!(self.0.len(), 40 | 64) && self.is_commit_like()
    }

    /// Whether it may be the beginning of a commit's name.
    pub(crate) fn is_commit_like(&self) -> bool {
        (7..=64).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Reference, Transport};

    #[test]
    fn https_and_ssh_are_understood() {
        for (text, transport) in [
            ("https://git.example.org/dba/schema.git", Transport::Https),
            ("https://user:secret@git.example.org:8443/x", Transport::Https),
            ("ssh://git@git.example.org:2222/dba/schema.git", Transport::Ssh),
            ("git@git.example.org:dba/schema.git", Transport::Ssh),
            ("  git@git.example.org:/srv/git/x ", Transport::Ssh),
        ] {
            assert_eq!(Address::parse(text, false).unwrap().transport(), transport, "{text}");
        }
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for text in [
            "",
            "ext::sh -c touch% /tmp/x",
            "ext::sh",
            "fd::17/x",
            "--upload-pack=/bin/sh",
            "-oProxyCommand=x",
            "http://git.example.org/x",
            "git://git.example.org/x",
            "ftp://git.example.org/x",
            "https://",
            "https://-host/x",
            "ssh://-oProxyCommand=x/x",
            "ssh://-oProxyCommand=x@host/x",
            "ssh://host/-x",
            "ssh://git@/x",
            "-x@host:path",
            "git@-host:path",
            "git@host:",
            "git@host:-x",
            "host:path",
            "https://git.example.org/x\n[core]",
            "https://git.example.org/a b",
            "relative/path",
            "../up",
            "file:relative",
            "file://host/x",
        ] {
            assert!(Address::parse(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn local_paths_need_permission() {
        for text in ["/srv/git/x", "file:///srv/git/x"] {
            assert_eq!(Address::parse(text, true).unwrap().transport(), Transport::Local);
            let message = Address::parse(text, false).err().unwrap().to_string();
            assert!(message.contains("local paths"), "{message}");
        }
    }

    #[test]
    fn passwords_are_known_and_not_shown() {
        let address = Address::parse("https://me:pa%2Fss@git.example.org/x", false).unwrap();
        assert_eq!(address.password().as_deref(), Some("pa/ss"));
        assert_eq!(address.to_string(), "https://git.example.org/x");
        let address = Address::parse("https://token@git.example.org/x", false).unwrap();
        assert_eq!(address.password().as_deref(), Some("token"));
        let message = Address::parse("http://me:secret@git.example.org/x", false).err().unwrap().to_string();
        assert!(!message.contains("secret"), "{message}");
    }

    #[test]
    fn revisions_follow_gits_rules() {
        for name in ["main", "release/1.2", "v1.0.0", "feature/ümlaut+x", "0123abc", "refs/heads/main"] {
            assert_eq!(Reference::parse(Some(name)).unwrap().unwrap().as_str(), name);
        }
        assert_eq!(Reference::parse(Some("  ")).unwrap(), None);
        assert_eq!(Reference::parse(None).unwrap(), None);
        for name in [
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "HEAD@{1}",
            "a.lock",
            "/a",
            "a/",
            ".a",
            "a//b",
            "a\nb",
        ] {
            assert!(Reference::parse(Some(name)).is_err(), "{name}");
        }
    }
}
