//! Placeholder: tests of this module follow.
