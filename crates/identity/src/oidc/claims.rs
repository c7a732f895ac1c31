//! From claims to a person, by what the operator says of the provider.

use super::config::{Provider, claim, texts};
use serde_json::{Map, Value};
use stoa_base::Refusal;

/// Longest attribute taken from a claim, as everywhere (MO-06).
const LONGEST: usize = 255;
/// Most groups that are looked at.
const GROUPS: usize = 2_000;

/// Somebody as an identity provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The provider's own name for them, which never changes.
    pub subject: String,
    /// Username.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Whether the provider has verified it.
    pub is_verified: bool,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// External user id.
    pub euid: Option<String>,
    /// Groups, if they are followed.
    pub groups: Option<Vec<String>>,
    /// Whether they may create workspaces.
    pub may_create_workspaces: bool,
}

fn refused(code: &'static str, message: String) -> Refusal {
    Refusal::ForbiddenAs { code, message }
}

/// Reads claims; refuses those that lack what is needed (OI-02), and whoever is not to be let in (OI-06).
pub fn described(
    provider: &Provider,
    subject: &str,
    claims: &Map<String, Value>,
) -> Result<Described, Refusal> {
    let wanted = &provider.claims;
    let text = |name: &str| {
        let found = texts(claims, name).into_iter().next().unwrap_or_default();
        found.trim().to_owned()
    };
    let needed = |name: &str| {
        let found = text(name);
        if found.is_empty() || found.chars().count() > LONGEST || found.chars().any(char::is_control) {
            let message = format!(
                "Your identity provider '{}' does not say who you are: the claim `{name}` is missing or unusable. \
                 Ask your administrator.",
                provider.label()
            );
            return Err(refused("ERR_CLAIM_MISSING", message));
        }
        Ok(found)
    };
    let short = |name: &str| text(name).chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    let username = needed(&wanted.username)?;
    if username.contains('/') {
        let message = format!("The claim `{}` holds a `/`, which no username may.", wanted.username);
        return Err(refused("ERR_CLAIM_MISSING", message));
    }
    let email = needed(&wanted.email)?;
    if provider.may_sign_in.as_ref().is_some_and(|gate| !gate.admits(claims)) {
        let message = "You are known to the identity provider, but not among those who may sign in here.";
        return Err(refused("ERR_NOT_ALLOWED_TO_SIGN_IN", message.into()));
    }
    let verified = claim(claims, "email_verified");
    let is_verified = verified.is_some_and(|value| value == &Value::Bool(true) || value == "true");
    let euid = wanted.euid.as_deref().map(short).filter(|euid| !euid.is_empty());
    let groups = wanted.groups.as_deref().map(|name| {
        let mut groups = texts(claims, name);
        groups.truncate(GROUPS);
        groups
    });
    Ok(Described {
        subject: subject.to_owned(),
        username,
        is_verified: is_verified || provider.trusts_email,
        email,
        first_name: short(&wanted.first_name),
        last_name: short(&wanted.last_name),
        euid,
        groups,
        may_create_workspaces: provider.may_create_workspaces.as_ref().is_none_or(|gate| gate.admits(claims)),
    })
}

impl Provider {
    /// What people call it.
    pub fn label(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }

    /// Whether these claims hold everything that is looked for; else the provider is asked for more.
    pub fn is_satisfied(&self, claims: &Map<String, Value>) -> bool {
        let Claimed { needed, wanted } = self.claimed();
        needed.chain(wanted).all(|name| claim(claims, name).is_some())
    }

    fn claimed(&self) -> Claimed<impl Iterator<Item = &str>, impl Iterator<Item = &str>> {
        let claims = &self.claims;
        let gates = [&self.may_sign_in, &self.may_create_workspaces];
        Claimed {
            needed: [claims.username.as_str(), &claims.email].into_iter(),
            wanted: [claims.first_name.as_str(), &claims.last_name]
                .into_iter()
                .chain(claims.euid.as_deref())
                .chain(claims.groups.as_deref())
                .chain(gates.into_iter().flatten().map(|gate| gate.claim.as_str())),
        }
    }
}

/// Names of claims.
struct Claimed<N, W> {
    needed: N,
    wanted: W,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(more: Value) -> Provider {
        let mut all = json!({ "name": "idp", "issuer": "https://idp.example", "client_id": "stoa" });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn read(provider: &Provider, claims: &Value) -> Result<Described, Refusal> {
        described(provider, "s-1", claims.as_object().unwrap())
    }

    #[test]
    fn claims_are_read_as_the_operator_says() {
        let plain = provider(json!({}));
        let claims = json!({
            "preferred_username": " lea ", "email": "lea@x.example", "email_verified": true, "given_name": "Lea",
            "upn": "lea@corp", "realm": { "groups": ["a", "b"] }, "https://x.example/id": "42",
        });
        let lea = read(&plain, &claims).unwrap();
        assert_eq!(
            (lea.username.as_str(), lea.first_name.as_str(), lea.last_name.as_str()),
            ("lea", "Lea", "")
        );
        assert!(lea.is_verified && lea.groups.is_none() && lea.may_create_workspaces);
        let mapped = provider(json!({
            "claims": { "username": "upn", "groups": "realm.groups", "euid": "https://x.example/id" },
            "may_create_workspaces": { "claim": "realm.groups", "values": ["leads"] },
        }));
        let lea = read(&mapped, &claims).unwrap();
        assert_eq!((lea.username.as_str(), lea.euid.as_deref()), ("lea@corp", Some("42")));
        assert_eq!(lea.groups, Some(vec!["a".into(), "b".into()]));
        assert!(!lea.may_create_workspaces);
    }

    #[test]
    fn who_is_not_described_or_not_wanted_is_refused() {
        let code = |provider: &Provider, claims: Value| match read(provider, &claims) {
            Err(Refusal::ForbiddenAs { code, message }) => (code, message),
            other => panic!("{other:?}"),
        };
        let plain = provider(json!({}));
        let (missing, message) = code(&plain, json!({ "email": "lea@x.example" }));
        assert_eq!(missing, "ERR_CLAIM_MISSING");
        assert!(message.contains("`preferred_username`"), "{message}");
        for bad in [json!("a/b"), json!(""), json!(["", "b"]), json!({}), json!("a\u{1}b")] {
            let claims = json!({ "preferred_username": bad, "email": "lea@x.example" });
            assert_eq!(code(&plain, claims).0, "ERR_CLAIM_MISSING", "{bad}");
        }
        let gate = provider(json!({ "may_sign_in": { "claim": "groups", "values": ["stoa"] } }));
        let lea = |groups: Value| json!({ "preferred_username": "l", "email": "l@x", "groups": groups });
        assert_eq!(code(&gate, lea(json!(["other"]))).0, "ERR_NOT_ALLOWED_TO_SIGN_IN");
        assert!(read(&gate, &lea(json!(["other", "stoa"]))).is_ok());
        assert!(read(&gate, &lea(json!("stoa"))).is_ok());
    }
}
