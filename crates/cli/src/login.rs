//! `stoa login`: a key checked and kept.

use crate::api::Api;
use crate::args::{Global, Login};
use crate::console::Console;
use crate::context::{Connection, Context, KeyFile, Store, filled, given_credential};
use crate::failure::Failure;
use std::io::BufRead;
use stoa_client::Credential;

/// Checks a key against its server and stores both.
pub(crate) async fn login(
    console: &mut Console,
    global: &Global,
    store: &Store,
    login: Login,
) -> Result<(), Failure> {
    let key_file = global.key_file.as_deref().map(KeyFile::read).transpose()?;
    let url = login
        .url
        .or_else(|| filled(global.server.as_ref()))
        .or_else(|| key_file.as_ref().and_then(|file| file.url.clone()))
        .ok_or_else(|| Failure::Usage("name the server's URL".to_owned()))?;
    let credential = if login.client_secret_stdin {
        let client_id = filled(global.client_id.as_ref())
            .ok_or_else(|| Failure::Usage("--client-secret-stdin needs --client-id".to_owned()))?;
        Credential::Key { client_id, client_secret: secret_line(&mut std::io::stdin().lock())? }
    } else if let Some(file) = key_file {
        Credential::Key { client_id: file.client_id, client_secret: file.client_secret }
    } else {
        given_credential(global)?.ok_or_else(|| {
            Failure::Usage("name a key: --key-file, or --client-id with --client-secret-stdin".to_owned())
        })?
    };
    let connection = Connection { url: url.trim_end_matches('/').to_owned(), credential };
    let version = check(&connection).await?;
    let name = filled(global.context.as_ref()).unwrap_or_else(|| default_name(&connection.url));
    let context = kept(&connection);
    let who = context.client_id.clone().unwrap_or_else(|| "the holder of a token".to_owned());
    store.keep(&name, context)?;
    console.note(format_args!("signed in at {} (version {version}) as {who}", connection.url))?;
    console.note(format_args!("stored as context `{name}` in `{}`", store.path().display()))
}

/// Asks the server who it is and whether it knows the key; returns its version.
async fn check(connection: &Connection) -> Result<String, Failure> {
    let open = Connection { credential: Credential::None, ..connection.clone() };
    let info = Api::new(&open)?.info().await.map_err(Failure::from)?;
    let Some(version) = info["version"].as_str() else {
        return Err(Failure::Operation(format!("{} is not a Stoa server", connection.url)));
    };
    let api = Api::new(connection)?;
    match api.client().get("/api", "application/vnd.meshcloud.api.v1.hal+json").await {
        // A server without this page has still checked the key before saying so.
        Err(error) if !matches!(error.status(), Some(404 | 406)) => Err(error.into()),
        _ => Ok(version.to_owned()),
    }
}

fn kept(connection: &Connection) -> Context {
    let mut context =
        Context { url: connection.url.clone(), client_id: None, client_secret: None, api_token: None };
    match &connection.credential {
        Credential::Key { client_id, client_secret } => {
            context.client_id = Some(client_id.clone());
            context.client_secret = Some(client_secret.clone());
        }
        Credential::Token(token) => context.api_token = Some(token.clone()),
        Credential::Basic { .. } | Credential::None => {}
    }
    context
}

/// The host and port of a URL.
fn default_name(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split(['/', '?', '#']).next().unwrap_or(host).to_owned()
}

/// The first line, which is the secret.
fn secret_line(input: &mut impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| Failure::Usage(format!("cannot read the secret from standard input: {error}")))?;
    let secret = line.trim();
    if secret.is_empty() {
        return Err(Failure::Usage("standard input holds no secret".to_owned()));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_first_line() {
        assert_eq!(secret_line(&mut " s3cret \nmore".as_bytes()).unwrap(), "s3cret");
        assert_eq!(secret_line(&mut "\n".as_bytes()).unwrap_err().code(), 64);
    }

    #[test]
    fn a_context_is_named_after_its_server() {
        assert_eq!(default_name("https://stoa.example.org:8443/base"), "stoa.example.org:8443");
    }
}
