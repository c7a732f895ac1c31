//! Threads that own a connection each.

use std::thread::{Builder, JoinHandle};

use crossbeam_channel::bounded;

use crate::DbError;

/// Starts a thread that opens a connection and then works with it. Returns once the connection is open.
pub(crate) fn hire<C>(
    name: &str,
    open: impl FnOnce() -> Result<C, DbError> + Send + 'static,
    work: impl FnOnce(C) + Send + 'static,
) -> Result<JoinHandle<()>, DbError> {
    let (said, heard) = bounded(1);
    let thread = Builder::new()
        .name(name.to_owned())
        .spawn(move || match open() {
            Ok(connection) => {
                // Heard below; there is room for one word.
                let _ = said.send(Ok(()));
                work(connection);
            }
            Err(error) => {
                let _ = said.send(Err(error));
            }
        })
        .map_err(DbError::other)?;
    match heard.recv() {
        Ok(opened) => opened.map(|()| thread),
        Err(_) => Err(DbError::other("a database thread died while it opened its connection")),
    }
}
