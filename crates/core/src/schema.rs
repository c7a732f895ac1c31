//! The kernel's own tables.

use stoa_db::Migration;

/// Migrations of the kernel; numbers are unique across the whole tree.
pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "kernel", sql: include_str!("../schema/0001_kernel.sql") }];
