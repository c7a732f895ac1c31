//! Who may use a platform and whether it is offered: the matrix of values, and who may change what
//! (`api-platforms.md` §5.2, `domain-platforms.md` §3).

use super::{Availability, Platform, Publication, Restriction};
use stoa_base::Refusal;

const AT: &str = "spec.availability";

fn invalid(member: &str, problem: &str) -> Refusal {
    Refusal::invalid(format!("{AT}.{member}"), problem)
}

/// Refuses combinations that make no sense.
pub fn check(owner: &str, new: &Availability, is_new: bool) -> Result<(), Refusal> {
    let Availability { restriction, publication_state, restricted_to_workspaces: listed } = new;
    if is_new && !matches!(publication_state, Publication::Published | Publication::Unpublished) {
        let problem = "must be PUBLISHED or UNPUBLISHED when a platform is created: REQUESTED and REJECTED are \
                       states of a review, which comes later";
        return Err(invalid("publicationState", problem));
    }
    let list = "restrictedToWorkspaces";
    match restriction {
        Restriction::Private if listed.as_slice() != [owner] => Err(invalid(
            list,
            &format!("must be exactly [\"{owner}\"], the owner, when restriction is PRIVATE"),
        )),
        Restriction::Private if *publication_state == Publication::Published => {
            Err(invalid("publicationState", "must not be PUBLISHED when restriction is PRIVATE"))
        }
        Restriction::Restricted if listed.is_empty() => {
            Err(invalid(list, "must name a workspace when restriction is RESTRICTED"))
        }
        Restriction::Public if !listed.is_empty() => {
            Err(invalid(list, "must be empty when restriction is PUBLIC"))
        }
        Restriction::Private | Restriction::Restricted | Restriction::Public => Ok(()),
    }
}

/// Refuses changes that a review decides, to owners; admins may make any.
pub fn check_owner(new: &Availability, old: Option<&Availability>) -> Result<(), Refusal> {
    use Publication::{Published, Rejected, Requested, Unpublished};
    let before = old.map_or(Unpublished, |old| old.publication_state);
    let forbidden = |text: &str| Err(Refusal::Forbidden(text.into()));
    match (before, new.publication_state) {
        (before, after) if before == after => {
            let widened = old.is_some_and(|old| old.restriction == Restriction::Restricted)
                && new.restriction == Restriction::Public;
            if after == Published && widened {
                return forbidden(
                    "Opening a published platform from RESTRICTED to PUBLIC needs a review: unpublish it, change the \
                     restriction, and ask for publication again.",
                );
            }
            Ok(())
        }
        (_, Unpublished) | (Unpublished | Rejected, Requested) => Ok(()),
        (_, Published) => forbidden(
            "Publishing a platform needs ADM_PLATFORMINSTANCE_SAVE, or a review: set publicationState to REQUESTED.",
        ),
        (_, Rejected) => forbidden("Only a reviewer rejects a publication."),
        (_, Requested) => forbidden("A review can be asked for from UNPUBLISHED or REJECTED only."),
    }
}

/// Workspaces besides the owner that see a platform, `*` for all.
pub fn audience(platform: &Platform) -> Vec<String> {
    let mut audience = platform.contributing_workspaces.clone();
    audience.extend(offered_to(&platform.availability));
    audience
}

/// Workspaces that it is offered to, `*` for all.
pub fn offered_to(availability: &Availability) -> Vec<String> {
    match (availability.publication_state, availability.restriction) {
        (Publication::Published, Restriction::Public) => vec!["*".into()],
        (Publication::Published, Restriction::Restricted) => availability.restricted_to_workspaces.clone(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Publication::{Published, Rejected, Requested, Unpublished};
    use Restriction::{Private, Public, Restricted};

    fn of(restriction: Restriction, publication_state: Publication, listed: &[&str]) -> Availability {
        let restricted_to_workspaces = listed.iter().map(|name| (*name).to_owned()).collect();
        Availability { restriction, publication_state, restricted_to_workspaces }
    }

    #[test]
    fn combinations_follow_the_matrix() {
        for good in [
            of(Public, Published, &[]),
            of(Public, Unpublished, &[]),
            of(Restricted, Published, &["shop"]),
            of(Restricted, Unpublished, &["ops", "shop"]),
            of(Private, Unpublished, &["ops"]),
        ] {
            assert!(check("ops", &good, true).is_ok(), "{good:?}");
        }
        for bad in [
            of(Public, Published, &["shop"]),
            of(Restricted, Published, &[]),
            of(Private, Published, &["ops"]),
            of(Private, Unpublished, &[]),
            of(Private, Unpublished, &["shop"]),
            of(Private, Unpublished, &["ops", "shop"]),
        ] {
            assert!(check("ops", &bad, true).is_err(), "{bad:?}");
            assert!(check("ops", &bad, false).is_err(), "{bad:?}");
        }
        for state in [Requested, Rejected] {
            assert!(check("ops", &of(Public, state, &[]), true).is_err());
            assert!(check("ops", &of(Public, state, &[]), false).is_ok());
        }
    }

    #[test]
    fn owners_ask_and_withdraw_reviewers_decide() {
        let all = [Published, Unpublished, Requested, Rejected];
        for before in all {
            for after in all {
                let allowed = before == after
                    || after == Unpublished
                    || (after == Requested && matches!(before, Unpublished | Rejected));
                let old = of(Public, before, &[]);
                let new = of(Public, after, &[]);
                assert_eq!(check_owner(&new, Some(&old)).is_ok(), allowed, "{before:?} to {after:?}");
            }
        }
        assert!(check_owner(&of(Public, Unpublished, &[]), None).is_ok());
        assert!(check_owner(&of(Public, Published, &[]), None).is_err());
        let restricted = of(Restricted, Published, &["shop"]);
        assert!(check_owner(&of(Public, Published, &[]), Some(&restricted)).is_err());
        assert!(check_owner(&of(Restricted, Published, &["ops"]), Some(&of(Public, Published, &[]))).is_ok());
    }
}
