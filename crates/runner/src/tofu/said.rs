//! What OpenTofu says, as far as it helps the one who ordered something.

/// The most that is told.
const MOST: usize = 6 * 1024;

/// The error in what a program said on its error stream; none if it said nothing of use.
pub(crate) fn error_text(errors: &str) -> Option<String> {
    let lines: Vec<&str> = errors.lines().map(without_frame).collect();
    let start = lines.iter().position(|line| line.starts_with("Error: ")).unwrap_or(0);
    let text = lines.get(start..).unwrap_or_default().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| crate::log::shortened(text, MOST))
}

/// Whether a line tells in one sentence what was or would be done.
pub(crate) fn is_summary(line: &str) -> bool {
    ["Plan: ", "No changes. ", "Apply complete! ", "Destroy complete! "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// A line without the frame that is drawn around messages on terminals.
fn without_frame(line: &str) -> &str {
    let line = line.trim_end();
    let inner = line.trim_start_matches(['│', '╷', '╵']);
    if inner.len() == line.len() { line } else { inner.strip_prefix(' ').unwrap_or(inner) }
}

#[cfg(test)]
mod tests {
    use super::error_text;

    #[test]
    fn the_error_is_told_without_what_came_before_and_around_it() {
        let plain = "a warning of a helper\n\nError: no such thing\n\n  on main.tf line 1\n\nDetails.\n";
        assert_eq!(error_text(plain).unwrap(), "Error: no such thing\n\n  on main.tf line 1\n\nDetails.");
        let framed = "╷\n│ Error: no such thing\n│ \n│   on main.tf line 1\n╵\n";
        assert_eq!(error_text(framed).unwrap(), "Error: no such thing\n\n  on main.tf line 1");
        assert_eq!(error_text("killed\n").unwrap(), "killed");
        assert_eq!(error_text(" \n"), None);
    }
}
