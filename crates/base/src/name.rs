//! Names people give to things, checked at the edge (`api-core.md` §1.11).

/// Why a name is refused; the text completes the sentence "`field` …".
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing, or only blanks.
    #[error("must not be blank")]
    Blank,
    /// More characters than allowed.
    #[error("must have at most {max} characters, not {found}")]
    TooLong {
        /// The limit.
        max: usize,
        /// What was sent.
        found: usize,
    },
    /// Not lower-case letters, digits and single inner dashes.
    #[error("must match ^[a-z0-9]+(-[a-z0-9]+)*$")]
    Pattern,
    /// Not an input or output key.
    #[error("must match [A-Za-z_][A-Za-z0-9_.-]* and have at most 255 characters")]
    Key,
}

/// Checks a workspace, project or similar identifier: `^[a-z0-9]+(-[a-z0-9]+)*$`, at most `max` long.
pub fn check_identifier(text: &str, max: usize) -> Result<(), BadName> {
    if text.is_empty() {
        return Err(BadName::Blank);
    }
    let found = text.chars().count();
    if found > max {
        return Err(BadName::TooLong { max, found });
    }
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if text.split('-').all(plain) { Ok(()) } else { Err(BadName::Pattern) }
}

/// Checks the key of a building block input or output (`api-building-blocks.md` §3.3).
pub fn check_key(text: &str) -> Result<(), BadName> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let rest = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if first && rest && text.len() <= 255 { Ok(()) } else { Err(BadName::Key) }
}

/// Whether text has the form of an e-mail address: something, one `@`, something, and no blanks.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_follow_the_pattern() {
        for good in ["a", "0", "shop-prod", "a-b-c", "exactly-16-chars"] {
            assert_eq!(check_identifier(good, 16), Ok(()), "{good}");
        }
        for bad in ["A", "-a", "a-", "a--b", "a.b", "a b", "ä", "a_b"] {
            assert_eq!(check_identifier(bad, 16), Err(BadName::Pattern), "{bad}");
        }
        assert_eq!(check_identifier("", 16), Err(BadName::Blank));
        assert_eq!(check_identifier("seventeen-chars-x", 16), Err(BadName::TooLong { max: 16, found: 17 }));
    }

    #[test]
    fn keys_may_be_file_names() {
        for good in ["a", "_x", "main.auto.tfvars", "kube-config"] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["", "1a", ".env", "a/b", "a b", "../x"] {
            assert_eq!(check_key(bad), Err(BadName::Key), "{bad}");
        }
    }
}
