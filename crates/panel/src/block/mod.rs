//! Building blocks.
use crate::Pages;
pub fn pages() -> Pages {
    Pages::new()
}
