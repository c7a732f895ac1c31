//! The pages that sign people in and out, and those about oneself.

use super::browser::Browser;
use crate::on_both;
use crate::stoa::{PASSWORD, Stoa};
use reqwest::Method;
use serde_json::json;

/// Somebody at the page that signs in.
async fn signed_in(stoa: &Stoa, username: &str) -> Browser {
    let mut browser = Browser::at(&stoa.url);
    let page =
        browser.ask(Method::POST, "/login", Some(&[("username", username), ("password", PASSWORD)])).await;
    assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (303, "/"));
    browser
}

on_both! {
    async fn somebody_signs_in_and_gets_where_they_wanted(stoa) {
        stoa.person("lea").await;
        let mut browser = Browser::at(&stoa.url);
        let page = browser.go("/me/sessions").await.expect(200);
        assert_eq!(page.path(), "/login");
        assert_eq!(page.hidden("next").as_deref(), Some("/me/sessions"));
        let form = |password| [("username", "lea"), ("password", password), ("next", "/me/sessions")];
        browser.send("/login", &form("wrong")).await.expect(401).says("do not match").says("value=\"lea\"");
        let page = browser.send("/login", &form(PASSWORD)).await.expect(200);
        assert_eq!(page.path(), "/me/sessions");
        page.says("This one");
        for path in ["/me", "/me/access", "/me/password", "/me/preferences"] {
            browser.go(path).await.expect(200);
        }
        browser.go("/me/my-data.json").await.expect(200).says("lea@fruit.example");

        // A link signs nobody out, its page does.
        let csrf = browser.go("/logout").await.expect(200).hidden("csrf").unwrap();
        browser.go("/me").await.expect(200);
        let page = browser.send("/logout", &[("csrf", &csrf)]).await.expect(200);
        assert_eq!(page.path(), "/logged-out");
        assert_eq!(browser.go("/me").await.path(), "/login");
    }

    async fn nobody_is_led_elsewhere(stoa) {
        stoa.person("lea").await;
        for bad in ["//evil.example", "https://evil.example/x", "/\\evil.example", "javascript:alert(1)", "/\t/evil"] {
            let mut browser = Browser::at(&stoa.url);
            let asked = format!("/login?next={}", bad.replace('\t', "%09"));
            assert_eq!(browser.go(&asked).await.expect(200).hidden("next").as_deref(), Some("/"), "{bad}");
            let form = [("username", "lea"), ("password", PASSWORD), ("next", bad)];
            let page = browser.ask(Method::POST, "/login", Some(&form)).await;
            assert_eq!(page.headers["location"], "/", "{bad}");
        }
    }

    async fn a_form_outlives_its_session(stoa) {
        stoa.workspace("shop").await;
        stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        let mut browser = signed_in(&stoa, "lea").await;
        let csrf = browser.go("/w/shop/projects/new").await.expect(200).hidden("csrf").unwrap();
        stoa.advance(std::time::Duration::from_mins(61));
        let form = [
            ("csrf", csrf.as_str()),
            ("name", "web"),
            ("displayName", "Web & <b>more</b>"),
            ("apiToken", "hidden-away"),
        ];
        let page = browser.send("/w/shop/projects/new", &form).await.expect(401);
        page.says("You were signed out meanwhile");
        assert!(!page.text.contains("hidden-away"), "secrets stay out of pages");
        assert!(!page.text.contains("<b>more"), "what was entered is no markup");
        let (back, kept) = (page.hidden("back").unwrap(), page.hidden("kept").unwrap());
        assert_eq!(back, "/w/shop/projects/new");
        // Whoever is not signed in yet loses nothing either.
        let again = [("back", back.as_str()), ("kept", kept.as_str())];
        let page = browser.send("/login/again", &again).await.expect(401);
        assert_eq!(page.hidden("kept").unwrap(), kept);
        let wrong = [("username", "lea"), ("password", "wrong"), ("back", back.as_str()), ("kept", kept.as_str())];
        let page = browser.send("/login", &wrong).await.expect(401);
        assert_eq!(page.hidden("kept").unwrap(), kept);

        let right = [("username", "lea"), ("password", PASSWORD), ("back", back.as_str()), ("kept", kept.as_str())];
        let page = browser.send("/login", &right).await.expect(200);
        page.says("action=\"/w/shop/projects/new\"").says("Web &#38; &#60;b&#62;more");
        let csrf = page.hidden("csrf").unwrap();
        let form = [
            ("csrf", csrf.as_str()), ("_again", "on"), ("name", "web"), ("displayName", "Web"), ("step", "4"),
            ("go", "finish"),
        ];
        let page = browser.send("/w/shop/projects/new", &form).await.expect(422);
        page.says("value=\"web\"").says("This is what you entered");
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        assert!(admin.list("meshProject", "").await.is_empty(), "nothing was sent yet");
        let form = [
            ("csrf", csrf.as_str()), ("name", "web"), ("displayName", "Web"), ("me.role", "admin"), ("step", "4"),
            ("go", "finish"),
        ];
        browser.send("/w/shop/projects/new", &form).await.expect(200);
        assert_eq!(admin.list("meshProject", "").await.len(), 1);
    }

    async fn links_lead_to_a_password(stoa) {
        let link = stoa.running.welcome.clone().unwrap();
        let mut browser = Browser::at(&stoa.url);
        browser.go(&link).await.expect(200).says("Welcome to Stoa");
        let mut form = vec![
            ("username", "root"),
            ("firstName", "Ada"),
            ("lastName", "Apfel"),
            ("email", "root"),
            ("password", PASSWORD),
            ("again", "another one"),
        ];
        browser.send(&link, &form).await.expect(422).says("not the same").says("value=\"Ada\"");
        form[5].1 = PASSWORD;
        let page = browser.send(&link, &form).await.expect(422);
        page.says("must be an e-mail address");
        assert!(!page.text.contains(PASSWORD));
        form[3].1 = "root@fruit.example";
        let page = browser.ask(Method::POST, &link, Some(&form)).await.expect(303);
        assert_eq!(page.headers["location"], "/");
        browser.go("/me").await.expect(200).says("Ada Apfel");
        let mut other = Browser::at(&stoa.url);
        other.go(&link).await.expect(410).says("does not work");
        other.send(&link, &form).await.expect(410);

        stoa.person("lea").await;
        let made = stoa.admin.raw(Method::POST, "/api/stoa/v1/accounts", |r| r.json(&json!({ "username": "lea" }))).await;
        let link = made.expect(201)["link"].as_str().unwrap().to_owned();
        other.go(&link).await.expect(200).says("For lea.");
        let form = [("password", "another long one"), ("again", "another long one")];
        other.ask(Method::POST, &link, Some(&form)).await.expect(303);
        other.go("/me").await.expect(200).says("lea");
        let csrf = other.go("/me/password").await.hidden("csrf").unwrap();
        let mut form = [("csrf", csrf.as_str()), ("currentPassword", "no"), ("password", PASSWORD), ("again", PASSWORD)];
        other.send("/me/password", &form).await.expect(422).says("is not your password");
        form[1].1 = "another long one";
        other.send("/me/password", &form).await.expect(200);
        other.go("/me").await.expect(200);
    }
}
