//! How states and times are said: a word, an icon and a colour, never the colour alone.

use crate::text::{fill, tr};
use jiff::Timestamp;

/// How a state looks.
pub struct Look {
    /// Tabler's colour.
    pub tone: &'static str,
    /// Name in the sprite.
    pub icon: &'static str,
    /// The word.
    pub word: String,
    /// Whether something is going on.
    pub is_busy: bool,
}

/// The look of a state as the API writes it; one that is not known is said as it is.
pub fn look(state: &str) -> Look {
    let (tone, icon, word) = match state {
        "SUCCEEDED" => ("green", "circle-check", tr("Succeeded")),
        "FAILED" => ("red", "circle-x", tr("Failed")),
        "ABORTED" => ("orange", "hand-stop", tr("Aborted")),
        "IN_PROGRESS" => ("blue", "loader-2", tr("In progress")),
        "PENDING" => ("azure", "clock", tr("Pending")),
        "WAITING_FOR_OPERATOR_INPUT" => ("yellow", "user-cog", tr("Waiting for the platform team")),
        "WAITING_FOR_USER_INPUT" => ("yellow", "forms", tr("Waiting for your input")),
        "WAITING_FOR_DEPENDENT_INPUT" => ("yellow", "sitemap", tr("Waiting for a dependency")),
        "WAITING_FOR_APPROVAL" => ("yellow", "clipboard-check", tr("Waiting for approval")),
        "DRAFT" => ("azure", "edit", tr("Draft")),
        "IN_REVIEW" | "REVIEW" => ("yellow", "clipboard-check", tr("In review")),
        "RELEASED" => ("green", "rocket", tr("Released")),
        "PUBLISHED" => ("green", "world", tr("Published")),
        "UNPUBLISHED" => ("secondary", "eye-off", tr("Not published")),
        "REQUESTED" => ("yellow", "clock-pause", tr("Review requested")),
        "REJECTED" => ("red", "circle-x", tr("Rejected")),
        "DEPRECATED" => ("orange", "archive", tr("Deprecated")),
        "PUBLIC" => ("green", "world", tr("Public")),
        "PRIVATE" => ("secondary", "lock", tr("Private")),
        "RESTRICTED" => ("yellow", "shield-lock", tr("Restricted")),
        "ACTIVE" => ("green", "circle-check", tr("Active")),
        "INACTIVE" => ("secondary", "circle-dashed", tr("Inactive")),
        "DISABLED" => ("secondary", "circle-dashed", tr("Disabled")),
        "EXPIRED" => ("orange", "hourglass", tr("Expired")),
        "DELETED" => ("secondary", "trash", tr("Deleted")),
        "IN_DELETION" | "DELETING" | "DELETION_APPROVED" => ("orange", "loader-2", tr("Being deleted")),
        "MARKED_FOR_DELETION" => ("orange", "trash", tr("Marked for deletion")),
        "OPEN" => ("yellow", "circle-dot", tr("Open")),
        "RESOLVED" => ("green", "checks", tr("Resolved")),
        "APPROVED" => ("green", "checks", tr("Approved")),
        "DECLINED" => ("red", "circle-x", tr("Declined")),
        "CANCELLED" => ("secondary", "circle-dashed", tr("Withdrawn")),
        "REPLICATING" => ("blue", "loader-2", tr("Preparing")),
        "DELETION_REQUESTED" => ("yellow", "clipboard-check", tr("Deletion waits for approval")),
        "DELETION_BLOCKED" => ("red", "alert-triangle", tr("Deletion is stuck")),
        "PASS" => ("green", "circle-check", tr("Fine")),
        "WARN" => ("yellow", "alert-triangle", tr("Look at it")),
        "FAIL" => ("red", "circle-x", tr("Not yet")),
        "SKIPPED" => ("secondary", "circle-dashed", tr("Not looked at")),
        "SILENT" => ("orange", "hourglass", tr("Silent")),
        "NEVER_SEEN" => ("secondary", "circle-dashed", tr("Never seen")),
        "WITHDRAWN" => ("secondary", "arrow-left", tr("Taken back")),
        "DEACTIVATED" => ("secondary", "circle-dashed", tr("Deactivated")),
        "READY" => ("green", "circle-check", tr("Ready")),
        "WAITING" => ("yellow", "clock-pause", tr("Waiting")),
        other => {
            let word = other.replace('_', " ");
            let word = if word.chars().any(char::is_lowercase) { word } else { word.to_lowercase() };
            let mut letters = word.chars();
            let word = letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default();
            return Look { tone: "secondary", icon: "circle", word, is_busy: false };
        }
    };
    let is_busy = icon == "loader-2";
    Look { tone, icon, word: word.to_owned(), is_busy }
}

/// How long ago, or in how long.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let span = seconds.unsigned_abs();
    let (count, past, future) = match span {
        0..45 => return tr("just now").to_owned(),
        45..5_400 => (span.div_ceil(60), tr("{0} min ago"), tr("in {0} min")),
        5_400..129_600 => ((span + 1_800) / 3_600, tr("{0} h ago"), tr("in {0} h")),
        129_600..3_888_000 => ((span + 43_200) / 86_400, tr("{0} days ago"), tr("in {0} days")),
        _ => return at.strftime("%Y-%m-%d").to_string(),
    };
    fill(if seconds >= 0 { past } else { future }, &[&count.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        for (at, said) in [
            ("2026-05-01T11:59:50Z", "just now"),
            ("2026-05-01T11:58:00Z", "2 min ago"),
            ("2026-05-01T09:00:00Z", "3 h ago"),
            ("2026-05-01T15:00:00Z", "in 3 h"),
            ("2026-04-28T12:00:00Z", "3 days ago"),
            ("2025-04-28T12:00:00Z", "2025-04-28"),
        ] {
            assert_eq!(relative(at.parse().unwrap(), now), said);
        }
    }

    #[test]
    fn unknown_states_are_said() {
        assert_eq!(look("NEVER_HEARD_OF").word, "Never heard of");
        assert_eq!(look("Owner").word, "Owner");
    }
}
