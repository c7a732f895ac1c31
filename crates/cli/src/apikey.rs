//! `stoa apikey`: keys made, listed, renewed and ended.

use crate::api::{Api, Query, id_of};
use crate::args::{Apikey, Format};
use crate::console::{Channel, Console};
use crate::context::KeyFile;
use crate::failure::Failure;
use crate::{kinds, show};
use serde_json::{Value, json};
use std::path::Path;

/// Does what was asked about API keys.
pub(crate) async fn apikey(api: &Api, console: &mut Console, command: Apikey) -> Result<(), Failure> {
    match command {
        Apikey::Create { workspace, name, permissions, expires, save } => {
            let body = json!({
                "apiVersion": kinds::API_KEY.version,
                "kind": kinds::API_KEY.name,
                "metadata": { "ownedByWorkspace": workspace },
                "spec": { "displayName": name, "permissions": permissions, "expiresAt": expires },
            });
            let key = api.create(&kinds::API_KEY, &body).await?;
            reveal(api, console, &key, save.as_deref())
        }
        Apikey::List { workspace } => {
            let filter = workspace.map(|workspace| ("workspaceIdentifier", workspace));
            let keys = api.list(&kinds::API_KEY, &Query::from_iter(filter), None).await?;
            show::list(console, &kinds::API_KEY, &keys)
        }
        Apikey::Delete { ids, workspace } => {
            for word in ids {
                let key = api.resolve(&kinds::API_KEY, &word, workspace.as_deref()).await?;
                let uuid = id_of(&kinds::API_KEY, &key)?;
                api.delete(&kinds::API_KEY, &uuid, "").await?;
                console.note(format_args!("{}/{uuid} deleted", kinds::API_KEY.name))?;
            }
            Ok(())
        }
        Apikey::Rotate { id, workspace, expires, never_expires: _, save } => {
            let mut key = api.resolve(&kinds::API_KEY, &id, workspace.as_deref()).await?;
            let uuid = id_of(&kinds::API_KEY, &key)?;
            let expires = json!(expires);
            if key["spec"]["expiresAt"] == expires {
                let problem =
                    "a key gets a new secret only together with another last day; this one has that day";
                return Err(Failure::Usage(problem.to_owned()));
            }
            key["spec"]["expiresAt"] = expires;
            let key = api.replace(&kinds::API_KEY, &uuid, &key).await?;
            reveal(api, console, &key, save.as_deref())
        }
    }
}

/// Shows the secret of a key, the only time that it can be seen, or writes it into a file.
fn reveal(api: &Api, console: &mut Console, key: &Value, save: Option<&Path>) -> Result<(), Failure> {
    let text = |pointer: &str| key.pointer(pointer).and_then(Value::as_str);
    let (Some(client_id), Some(client_secret)) = (text("/status/clientId"), text("/status/clientSecret"))
    else {
        return Err(Failure::Operation("the server sent no secret for this key".to_owned()));
    };
    let file = KeyFile {
        url: Some(api.client().base_url().to_owned()),
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned(),
    };
    if let Some(path) = save {
        file.write(path)?;
        console.note(format_args!("key {client_id} saved in `{}`", path.display()))?;
        return if console.quiet { console.line(client_id) } else { Ok(()) };
    }
    if console.quiet {
        return console.line(client_id);
    }
    console.note("the secret is shown this once")?;
    match console.format {
        Format::Table => console
            .write(Channel::Out, &format!("CLIENT ID       {client_id}\nCLIENT SECRET   {client_secret}\n")),
        Format::Json | Format::Yaml => show::document(console, key),
    }
}
