//! What an operator says of an identity provider.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in addresses.
    pub name: String,
    /// What the button says; the name when absent.
    #[serde(default)]
    pub display_name: String,
    /// Issuer; its discovery document lies under it.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there; none makes us a public client.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// The environment variable that holds the secret.
    #[serde(default)]
    pub client_secret_env: Option<String>,
    /// The file that holds the secret.
    #[serde(default)]
    pub client_secret_file: Option<std::path::PathBuf>,
    /// Scopes asked for besides `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Which claim is what.
    #[serde(default)]
    pub claims: Claims,
    /// Whether all its addresses are verified, also when it does not say so.
    #[serde(default)]
    pub trusts_email: bool,
    /// Who may sign in; everybody when absent.
    #[serde(default)]
    pub may_sign_in: Option<Gate>,
    /// Who may create workspaces; everybody when absent.
    #[serde(default)]
    pub may_create_workspaces: Option<Gate>,
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

/// Which claim is what. A claim within another one is written `outer.inner`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// Username.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// External user id, if there is one.
    pub euid: Option<String>,
    /// Groups, if they are to be followed: identifiers or external ids of global groups.
    pub groups: Option<String>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            username: "preferred_username".into(),
            email: "email".into(),
            first_name: "given_name".into(),
            last_name: "family_name".into(),
            euid: None,
            groups: None,
        }
    }
}

/// A condition on a claim: it has, or holds, one of these values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The claim.
    pub claim: String,
    /// Values, any of which will do.
    pub values: Vec<String>,
}

/// A claim by its name, or by its path.
pub fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    // Some providers have claims with dots, or whole addresses as names.
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let (outer, inner) = name.split_once('.')?;
    claim(claims.get(outer)?.as_object()?, inner)
}

/// All texts of a claim, which is one or a list.
pub fn texts(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match claim(claims, name) {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

impl Gate {
    /// Whether somebody with these claims gets through.
    pub fn admits(&self, claims: &Map<String, Value>) -> bool {
        texts(claims, &self.claim).iter().any(|text| self.values.contains(text))
    }
}

impl Provider {
    /// A provider whose claims are the usual ones.
    pub fn plain(name: &str, issuer: &str, client_id: &str, client_secret: Option<String>) -> Self {
        Self {
            name: name.into(),
            display_name: String::new(),
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret,
            client_secret_env: None,
            client_secret_file: None,
            scopes: scopes(),
            claims: Claims::default(),
            trusts_email: false,
            may_sign_in: None,
            may_create_workspaces: None,
        }
    }
}
