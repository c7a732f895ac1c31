//! Forms in steps. All that was entered travels in the form itself, so it works without a script, in two tabs at once
//! and after the server was restarted. Each step is a submission: `step` says which one was shown, `go` where to.

use crate::form::Fields;

/// Where a form goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// To a step.
    To(usize),
    /// To the end: everything is to be done now.
    Finish,
}

/// A step in the list of steps.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it says.
    pub label: &'static str,
    /// Its place, from 0.
    pub place: usize,
    /// Whether it is the one shown.
    pub is_current: bool,
    /// Whether it may be gone back to.
    pub is_done: bool,
}

/// The frame of one step.
#[derive(Clone, Debug)]
pub struct Wizard {
    /// All steps.
    pub steps: Vec<Step>,
    /// The one shown.
    pub current: usize,
    /// What other steps entered.
    pub kept: Vec<(String, String)>,
    /// Where it is sent.
    pub action: String,
    /// Where leaving it leads.
    pub cancel: String,
    /// What its last button says.
    pub finish: &'static str,
}

impl Wizard {
    /// The frame of step `current`; its own fields are those in `own`, or that begin with one of them that ends with a
    /// dot.
    pub fn new(
        labels: &[&'static str],
        current: usize,
        fields: &Fields,
        own: &[&str],
        (action, cancel, finish): (String, String, &'static str),
    ) -> Self {
        let is_own = |name: &str| {
            own.iter().any(|own| *own == name || (own.ends_with('.') && name.starts_with(own)))
                || matches!(name, "csrf" | "step" | "go")
        };
        let steps = labels.iter().enumerate().map(|(place, label)| Step {
            label,
            place,
            is_current: place == current,
            is_done: place < current,
        });
        Self {
            steps: steps.collect(),
            current,
            kept: fields.0.iter().filter(|(name, _)| !is_own(name)).cloned().collect(),
            action,
            cancel,
            finish,
        }
    }

    /// Whether it is the first step.
    pub fn is_first(&self) -> bool {
        self.current == 0
    }

    /// Whether it is the last step.
    pub fn is_last(&self) -> bool {
        self.current + 1 == self.steps.len()
    }
}

/// Which step was shown, and where to go.
pub fn asked(fields: &Fields, count: usize) -> (usize, Go) {
    let shown = fields.get("step").parse::<usize>().unwrap_or(0).min(count.saturating_sub(1));
    let go = match fields.get("go") {
        "finish" => Go::Finish,
        "back" => Go::To(shown.saturating_sub(1)),
        "stay" => Go::To(shown),
        "next" | "" => Go::To((shown + 1).min(count.saturating_sub(1))),
        place => Go::To(place.parse::<usize>().unwrap_or(shown).min(shown)),
    };
    (shown, go)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_keeps_what_others_entered() {
        let fields = Fields::parse(b"name=a&tag.x=1&step=1&go=next&csrf=c&pay=p");
        let ends = (String::new(), String::new(), "");
        let wizard = Wizard::new(&["One", "Two"], 1, &fields, &["pay", "tag."], ends);
        assert_eq!(wizard.kept, [("name".to_owned(), "a".to_owned())]);
        assert!(wizard.is_last() && wizard.steps[0].is_done);
        assert_eq!(asked(&fields, 3), (1, Go::To(2)));
        assert_eq!(asked(&Fields::parse(b"step=1&go=9"), 3), (1, Go::To(1)));
        assert_eq!(asked(&Fields::parse(b"step=2&go=finish"), 3), (2, Go::Finish));
    }
}
