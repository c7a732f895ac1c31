//! Signing in at a real identity provider: the certified `oidc-provider`, which each test runs for itself.

use super::browser::{Browser, Page};
use crate::stoa::Stoa;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use stoa_db::Engine;

/// A running provider.
struct Idp {
    child: Child,
    issuer: String,
    http: reqwest::Client,
}

impl Drop for Idp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Idp {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packages = root.join(".tools/oidc");
        assert!(packages.join("node_modules").is_dir(), "run scripts/setup oidc first");
        let mut child = Command::new("node")
            .arg(root.join("scripts/tools/oidc/provider.mjs"))
            .arg(packages.canonicalize().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut issuer = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut issuer).unwrap();
        Self { child, issuer: issuer.trim().to_owned(), http: reqwest::Client::new() }
    }

    async fn control(&self, change: Value) {
        let url = format!("{}/control", self.issuer);
        self.http.post(url).json(&change).send().await.unwrap().error_for_status().unwrap();
    }

    /// Says who signs in from now on, and what is claimed of them.
    async fn is(&self, subject: &str, claims: Value) {
        self.control(json!({ "current": subject, "accounts": { subject: claims } })).await;
    }
}

fn lea() -> Value {
    json!({
        "preferred_username": "lea", "email": "lea@fruit.example", "email_verified": true,
        "given_name": "Lea", "family_name": "Apfel",
    })
}

/// A server whose only other way to sign in is the provider; `more` is added to the provider's part of the file.
async fn with(engine: Engine, idp: &Idp, more: &str) -> Option<Stoa> {
    let folder = tempfile::tempdir().unwrap();
    let (config, secret) = (folder.path().join("sign-in.toml"), folder.path().join("secret"));
    std::fs::write(&secret, "oidc-secret\n").unwrap();
    let text = format!(
        "[[provider]]\nname = \"corp\"\ndisplay_name = \"Fruit Corp\"\nissuer = \"{}\"\nclient_id = \"stoa\"\n\
         client_secret_file = \"{}\"\n{more}",
        idp.issuer,
        secret.display()
    );
    std::fs::write(&config, text).unwrap();
    let stoa = Stoa::on_with(engine, |settings| settings.sign_in_config = Some(config)).await?;
    let client = json!({
        "redirect_uris": [format!("{}/login/corp/callback", stoa.url)],
        "post_logout_redirect_uris": [format!("{}/logged-out", stoa.url)],
    });
    idp.control(json!({ "client": client })).await;
    Some(stoa)
}

async fn sign_in(stoa: &Stoa) -> (Browser, Page) {
    let mut browser = Browser::at(&stoa.url);
    let page = browser.go("/login/corp?next=%2Fme").await;
    (browser, page)
}

async fn user(stoa: &Stoa, name: &str) -> Value {
    stoa.admin.get("meshUser", &format!("/{name}")).await.expect(200)
}

/// Runs a test on both engines, with a provider of its own.
macro_rules! with_provider {
    ($($(#[$meta:meta])* async fn $name:ident($stoa:ident, $idp:ident, $more:expr) $body:block)*) => { $(
        mod $name {
            use super::*;

            async fn check(engine: Engine) {
                let $idp = Idp::start();
                let Some($stoa) = with(engine, &$idp, $more).await else { return };
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check(Engine::Postgres).await;
            }
        }
    )* };
}

with_provider! {
    async fn somebody_new_is_provisioned_and_comes_back(stoa, idp, "") {
        idp.is("s-1", lea()).await;
        let mut browser = Browser::at(&stoa.url);
        browser.go("/login").await.expect(200).says("Sign in with Fruit Corp");
        let (mut browser, page) = sign_in(&stoa).await;
        assert_eq!((page.status, page.path().as_str()), (200, "/me"), "{}", page.text);
        page.says("Lea Apfel").says("corp");
        assert_eq!(user(&stoa, "lea").await["spec"]["email"], "lea@fruit.example");
        assert_eq!(browser.cookie("stoa_sign_in"), None, "what bound the way is gone");

        // Names and address follow, and the username too, because the person is linked.
        let mut other = lea();
        other["preferred_username"] = json!("lea.birne");
        other["family_name"] = json!("Birne");
        other["email"] = json!("birne@fruit.example");
        idp.is("s-1", other).await;
        sign_in(&stoa).await.1.says("Lea Birne");
        assert_eq!(user(&stoa, "lea.birne").await["spec"]["email"], "birne@fruit.example");
        stoa.admin.get("meshUser", "/lea").await.expect(404);

        // Signing out ends at the provider, which asks whether it may end its own session too.
        let csrf = browser.go("/logout").await.hidden("csrf").unwrap();
        let page = browser.send("/logout", &[("csrf", &csrf)]).await.expect(200);
        let there = format!("{}/session/end?", idp.issuer);
        page.says(&format!("0; url={there}"));
        let rest = page.text.split_once(&there).unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
        assert!(rest.contains("id_token_hint=") && rest.contains("post_logout_redirect_uri="), "{rest}");
        browser.go(&format!("{there}{rest}")).await.expect(200);
    }

    async fn a_changed_key_is_fetched_and_a_foreign_one_is_not_trusted(stoa, idp, "") {
        idp.is("s-1", lea()).await;
        sign_in(&stoa).await.1.expect(200);
        idp.control(json!({ "rotate": true })).await;
        // Our view of the keys is seconds old, and looking again is limited: the first one may have to wait.
        let mut page = sign_in(&stoa).await.1;
        for _ in 0..60 {
            if page.path() == "/me" {
                break;
            }
            assert_eq!(page.status, 401, "{}", page.text);
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            page = sign_in(&stoa).await.1;
        }
        assert_eq!(page.path(), "/me");
    }

    async fn only_the_browser_that_left_comes_back_and_once(stoa, idp, "") {
        idp.is("s-1", lea()).await;
        let mut browser = Browser::at(&stoa.url);
        // Go to the provider, and stop before coming back.
        let mut page = browser.ask(reqwest::Method::GET, "/login/corp?next=/me", None).await;
        while !page.headers["location"].to_str().unwrap().contains("/login/corp/callback") {
            let to = page.headers["location"].to_str().unwrap();
            let to = url::Url::parse(&page.url).unwrap().join(to).unwrap();
            page = browser.ask(reqwest::Method::GET, to.as_str(), None).await;
        }
        let back = page.headers["location"].to_str().unwrap().to_owned();
        // A victim who is made to open the attacker's way back is not signed in as the attacker.
        let mut victim = Browser::at(&stoa.url);
        victim.go(&back).await.expect(403).says("not begun in this browser");
        victim.go("/login/corp").await;
        let mut stranger = Browser::at(&stoa.url);
        stranger.take("stoa_sign_in", &"A".repeat(43));
        stranger.go(&back).await.expect(403);
        let forged = back.replace("state=", "state=x");
        browser.go(&forged).await.expect(403).says("not begun in this browser");
        assert_eq!(browser.go(&back).await.path(), "/me");
        let mut replay = browser.clone();
        replay.go(&back).await.expect(403);
        browser.go("/login/nowhere").await.expect(404);
        let refused = browser.go("/login/corp/callback?error=access_denied&state=x").await.expect(403);
        refused.says("access_denied");
    }

    async fn who_is_missing_a_claim_is_told_which(stoa, idp, "") {
        let mut claims = lea();
        claims.as_object_mut().unwrap().remove("email");
        idp.is("s-1", claims).await;
        let (_, page) = sign_in(&stoa).await;
        page.expect(403).says("the claim `email` is missing");
        stoa.admin.get("meshUser", "/lea").await.expect(404);
    }

    async fn people_are_matched_by_link_then_name_then_address(stoa, idp, "") {
        let known = |name: &str, email: &str| json!({
            "metadata": { "name": name }, "spec": { "email": email, "firstName": "F", "lastName": "L" },
        });
        for (name, email) in [("lea", "other@x.example"), ("max", "max@x.example"), ("ann", "two@x.example"), ("bob", "two@x.example")] {
            stoa.admin.create("meshUser", &known(name, email)).await;
        }
        let claims = |name: &str, email: &str, verified: bool| json!({
            "preferred_username": name, "email": email, "email_verified": verified,
        });
        // By name.
        idp.is("s-1", lea()).await;
        sign_in(&stoa).await.1.expect(200).says("Lea Apfel");
        let count = stoa.admin.list("meshUser", "").await.len();
        // Somebody else who claims the same name is not them.
        idp.is("s-2", lea()).await;
        sign_in(&stoa).await.1.expect(403).says("not clear which account");
        // By an address, if it is verified; the username stays.
        idp.is("s-3", claims("maximilian", "max@x.example", true)).await;
        sign_in(&stoa).await.1.expect(200).says("max@x.example");
        assert_eq!(stoa.admin.list("meshUser", "").await.len(), count);
        // Two with one address.
        idp.is("s-4", claims("anna", "two@x.example", true)).await;
        sign_in(&stoa).await.1.expect(403).says("not clear which account");
        // An address that nobody verified proves nothing: somebody new.
        idp.is("s-5", claims("annabel", "two@x.example", false)).await;
        sign_in(&stoa).await.1.expect(200).says("annabel");
        assert_eq!(stoa.admin.list("meshUser", "").await.len(), count + 1);
        // Disabled is disabled, whoever vouches.
        let off = json!({ "state": "DISABLED" });
        let path = "/api/stoa/v1/users/annabel/state";
        stoa.admin.raw(reqwest::Method::PUT, path, |r| r.json(&off)).await.expect(204);
        sign_in(&stoa).await.1.expect(403).says("disabled");
    }

    async fn gates_and_groups_follow_claims(
        stoa, idp,
        "claims = { groups = \"groups\", euid = \"staff_id\" }\nmay_sign_in = { claim = \"groups\", values = [\"staff\"] }\n\
         may_create_workspaces = { claim = \"groups\", values = [\"leads\"] }\n"
    ) {
        let group = |name: &str| json!({
            "apiVersion": "v1", "kind": "meshWorkspaceUserGroup",
            "metadata": { "name": name, "ownedByWorkspace": "meshcloud-global-partner" },
            "spec": { "displayName": name, "members": [] },
        });
        stoa.import(&[group("staff"), group("pickers"), group("leads")]).await;
        stoa.workspace("shop").await;
        stoa.admin.create("meshWorkspaceGroupBinding", &json!({
            "roleRef": { "name": "Workspace Manager" }, "targetRef": { "name": "shop" }, "subject": { "name": "pickers" },
        })).await;
        let in_groups = async |groups: &[&str]| {
            let mut claims = lea();
            claims["groups"] = json!(groups);
            claims["staff_id"] = json!("E-1");
            idp.is("s-1", claims).await;
            sign_in(&stoa).await
        };
        in_groups(&["others"]).await.1.expect(403).says("not among those who may sign in");
        let (mut browser, page) = in_groups(&["staff", "pickers", "unknown"]).await;
        page.expect(200);
        browser.go("/w/shop/projects").await.expect(200);
        assert_eq!(user(&stoa, "lea").await["spec"]["euid"], "E-1");
        let me = |browser: &mut Browser| {
            let mut browser = browser.clone();
            async move {
                let page = browser.go("/api/stoa/v1/me").await;
                serde_json::from_str::<Value>(&page.text).unwrap()
            }
        };
        assert_eq!(me(&mut browser).await["mayCreateWorkspaces"], json!(false));
        assert_eq!(me(&mut browser).await["workspaces"][0]["role"], "Manager");
        let (mut browser, _) = in_groups(&["staff", "leads"]).await;
        assert_eq!(me(&mut browser).await["mayCreateWorkspaces"], json!(true));
        assert_eq!(me(&mut browser).await["workspaces"], json!([]), "who left the group left its role");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_provider_is_gone_to_at_once() {
    let idp = Idp::start();
    let stoa = Stoa::on_with(Engine::Sqlite, |config| {
        config.no_local_accounts = true;
        config.oidc_issuer = Some(idp.issuer.clone());
        config.oidc_client_id = Some("stoa".into());
        config.oidc_client_secret = Some("oidc-secret".into());
    });
    let stoa = stoa.await.unwrap();
    let mut browser = Browser::at(&stoa.url);
    let page = browser.ask(reqwest::Method::GET, "/login?next=/me", None).await;
    assert_eq!(page.headers["location"], "/login/oidc?next=%2Fme");
    browser.go("/login?stay=1").await.expect(200).says("Sign in with oidc");
    // A provider that is away is told, and nothing else breaks.
    drop(idp);
    browser.go("/login/oidc").await.expect(503).says("does not answer");
}
