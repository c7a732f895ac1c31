//! References in requests: their kind may be left out, but if it is there it must be the right one
//! (`api-core.md` §1.12).

use stoa_base::Refusal;

/// Refuses a reference that says another kind than its place allows. `field` names the reference.
pub fn check_kind(given: Option<&str>, allowed: &str, field: &str) -> Result<(), Refusal> {
    match given {
        Some(kind) if !kind.eq_ignore_ascii_case(allowed) => {
            Err(Refusal::invalid(format!("{field}.kind"), format!("must be {allowed}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_kind;

    #[test]
    fn a_kind_may_be_absent_but_not_wrong() {
        assert!(check_kind(None, "meshIntegration", "f").is_ok());
        assert!(check_kind(Some("meshIntegration"), "meshIntegration", "f").is_ok());
        let refusal = check_kind(Some("meshProject"), "meshIntegration", "f").unwrap_err();
        assert_eq!(refusal.to_string(), "`f.kind` must be meshIntegration");
    }
}
