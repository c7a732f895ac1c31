//! Who may do what, as something that changes.

/// Name of the controller that is told when somebody's roles may have changed: its keys are `<workspace>` or
/// `<workspace>.<project>`.
pub const CHANGED: &str = "people";
