//! The tenant as stored, and what others need of it; the kind itself is in the platforms area
//! (`api-platforms.md` §7).

/// The kind's name.
pub const KIND: &str = "meshTenant";
