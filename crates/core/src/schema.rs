//! The kernel's own tables, and what SQLite is told of them.

use stoa_db::Migration;

/// Migrations of the kernel; numbers are unique across the whole tree.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "kernel", sql: include_str!("../schema/0001_kernel.sql") },
    Migration { number: 12, name: "keys", sql: include_str!("../schema/0012_keys.sql") },
    Migration { number: 13, name: "collection", sql: include_str!("../schema/0013_collection.sql") },
    Migration { number: 31, name: "label", sql: include_str!("../schema/0031_label.sql") },
];

/// What SQLite plans by: figures of an installation with a hundred thousand objects, rounded. Of tables that are not named it
/// assumes that they are large.
pub const STATISTICS: &str = include_str!("../schema/statistics.txt");
