//! Secrets are taken out of everything that leaves the runner as text: by value, in every form they usually take.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stands in a text where a secret was.
const REPLACEMENT: &str = "[redacted]";
/// Shorter values are left alone: taking every "a" out of a log protects nothing and destroys the log.
const SHORTEST: usize = 3;
/// Lines of a secret of several lines, and parts of its Base64 form, must be this long to be told from other text.
const SHORTEST_PART: usize = 6;
/// Widths at which programs break Base64 text.
const LINE_WIDTHS: [usize; 2] = [64, 76];
/// Secrets of more lines than this, such as whole files, are known by these many lines.
const MOST_LINES: usize = 5000;

/// What programs leave as it is in addresses, besides letters and digits: nothing, what the standard allows, that and
/// slashes, and what browsers leave.
const IN_ADDRESSES: [&AsciiSet; 4] = {
    const STANDARD: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const PATHS: AsciiSet = STANDARD.remove(b'/');
    const BROWSERS: AsciiSet = STANDARD.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
    [NON_ALPHANUMERIC, &STANDARD, &PATHS, &BROWSERS]
};

/// Knows the secrets of one run.
#[derive(Default)]
pub(crate) struct Redactor {
    patterns: Vec<String>,
    matcher: Option<AhoCorasick>,
}

impl Redactor {
    /// From now on these values, and what they look like in Base64, JSON and addresses, disappear.
    pub(crate) fn learn<'a>(&mut self, secrets: impl IntoIterator<Item = &'a str>) {
        for secret in secrets {
            self.learn_one(secret);
            self.learn_leaves(secret);
            self.learn_file(secret);
        }
        self.patterns.sort_unstable();
        self.patterns.dedup();
        self.matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&self.patterns)
            .ok()
            .filter(|_| !self.patterns.is_empty());
    }

    /// The text without the secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        match &self.matcher {
            Some(matcher) => matcher.replace_all(text, &vec![REPLACEMENT; self.patterns.len()]),
            None => text.to_owned(),
        }
    }

    fn learn_one(&mut self, secret: &str) {
        let trimmed = secret.trim();
        if trimmed.chars().count() < SHORTEST {
            return;
        }
        self.patterns.push(trimmed.to_owned());
        for set in IN_ADDRESSES {
            let encoded = utf8_percent_encode(trimmed, set).to_string();
            self.patterns.push(encoded.replace("%20", "+"));
            self.patterns.push(with_small_digits(&encoded));
            self.patterns.push(encoded);
        }
        let in_json = Value::from(trimmed).to_string();
        self.patterns.push(in_json.trim_matches('"').to_owned());
        self.learn_base64(secret.as_bytes());
        if trimmed != secret {
            self.learn_base64(trimmed.as_bytes());
        }
        if trimmed.contains('\n') {
            let lines = trimmed.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART);
            let lines: Vec<String> = lines.take(MOST_LINES).map(str::to_owned).collect();
            self.patterns.extend(lines);
        }
    }

    /// Base64 of the value alone, and of the value in the middle of something: three ways to be aligned, of which
    /// only the characters count that depend on nothing else.
    fn learn_base64(&mut self, secret: &[u8]) {
        let whole = STANDARD.encode(secret);
        for width in LINE_WIDTHS.into_iter().filter(|width| *width < whole.len()) {
            let lines = whole.as_bytes().chunks(width).filter(|line| line.len() >= SHORTEST_PART);
            self.patterns.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
        }
        self.patterns.push(whole);
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let shifted = [&vec![0; before][..], secret].concat();
            let known = shifted.len() * 8 / 6;
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                if let Some(core) = text.get(skipped..known).filter(|core| core.len() >= SHORTEST_PART) {
                    self.patterns.push(core.to_owned());
                }
            }
        }
    }

    /// The texts inside a secret that is JSON.
    fn learn_leaves(&mut self, secret: &str) {
        if let Ok(value @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str::<Value>(secret) {
            let mut rest = vec![value];
            while let Some(value) = rest.pop() {
                match value {
                    Value::String(leaf) => self.learn_one(&leaf),
                    Value::Array(items) => rest.extend(items),
                    Value::Object(fields) => rest.extend(fields.into_iter().map(|(_, value)| value)),
                    Value::Null | Value::Bool(_) | Value::Number(_) => {}
                }
            }
        }
    }

    /// The content of a secret that is a file.
    fn learn_file(&mut self, secret: &str) {
        if let Some((_, content)) = secret.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
            && let Ok(bytes) = STANDARD.decode(content)
        {
            self.learn_base64(&bytes);
            if let Ok(text) = String::from_utf8(bytes) {
                self.learn_one(&text);
            }
        }
    }
}

/// The same in addresses, with small letters in the digits: `%2f` for `%2F`.
fn with_small_digits(encoded: &str) -> String {
    let mut digits = 0;
    let small = |letter: char| {
        let is_digit = digits > 0;
        digits = if letter == '%' { 2 } else { usize::saturating_sub(digits, 1) };
        if is_digit { letter.to_ascii_lowercase() } else { letter }
    };
    encoded.chars().map(small).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::Redactor;

    fn knowing(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn(secrets.iter().copied());
        redactor
    }

    #[test]
    fn every_usual_form_disappears() {
        let redactor = knowing(&["p\"ss wörd", "{\"token\":\"abcdef\"}", "first line\nsecond line\n"]);
        assert_eq!(redactor.clean("pw=p\"ss wörd."), "pw=[redacted].");
        assert_eq!(redactor.clean(r#"{"pw":"p\"ss wörd"}"#), r#"{"pw":"[redacted]"}"#);
        assert_eq!(redactor.clean("?pw=p%22ss%20w%C3%B6rd&x"), "?pw=[redacted]&x");
        let paths = knowing(&["a-b/c d!E=F"]);
        for form in [
            "a-b%2Fc%20d%21E%3DF",
            "a%2Db%2Fc+d%21E%3DF",
            "a-b/c%20d%21E%3dF",
            "a-b%2Fc+d!E%3DF",
            "a-b%2fc%20d%21E%3dF",
        ] {
            let cleaned = paths.clean(form);
            assert!(cleaned == "[redacted]" || !cleaned.contains('d'), "{form}: {cleaned}");
        }
        assert_eq!(redactor.clean("token is abcdef"), "token is [redacted]");
        assert_eq!(redactor.clean("+ second line"), "+ [redacted]");
        assert_eq!(redactor.clean("nothing to hide"), "nothing to hide");
    }

    #[test]
    fn files_are_known_by_their_content() {
        let url = format!("data:text/plain;base64,{}", STANDARD.encode("-----KEY-----\nMIIEabcdefgh\n"));
        let redactor = knowing(&[&url]);
        assert_eq!(redactor.clean("cat: MIIEabcdefgh"), "cat: [redacted]");
        assert_eq!(redactor.clean(&url), "[redacted]");
    }

    #[test]
    fn without_secrets_nothing_changes() {
        assert_eq!(knowing(&[]).clean("ab"), "ab");
        assert_eq!(knowing(&["", "a", "ab"]).clean("ab"), "ab");
    }

    proptest! {
        #[test]
        fn no_base64_form_gives_a_secret_away(before in "[ -~]{0,9}", secret in "[A-Za-z0-9!-/]{8,120}", after in "[ -~]{0,9}") {
            let redactor = knowing(&[&secret]);
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            let cleaned = redactor.clean(&encoded);
            prop_assert!(cleaned.contains("[redacted]"));
            // What is left may tell of at most the outermost bits.
            prop_assert!(cleaned.len() <= encoded.len() - (secret.len() * 4 / 3) + 6 + "[redacted]".len());
        }
    }
}
