//! Closures on their way to a database thread, and their answers on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::{DbError, Tx};

/// A waiting write. It may run several times; only the last result counts.
pub(crate) trait Write: Send {
    /// Runs the closure, and says whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Tells the caller the result of the last run.
    fn answer(self: Box<Self>);

    /// Tells the caller that it failed, whatever the closure said.
    fn fail(self: Box<Self>, error: DbError);
}

/// A waiting read.
pub(crate) trait Read: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;

    /// Runs the closure and tells the caller its result.
    fn answer(self: Box<Self>, tx: &mut Tx<'_>);

    /// Tells the caller that it failed before it began.
    fn fail(self: Box<Self>, error: DbError);
}

/// Where the answer arrives. It fails if the database was closed first.
pub(crate) type Answer<T, E> = oneshot::Receiver<Result<T, E>>;

struct Waiting<F, T, E> {
    closure: F,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// Packs a closure that writes.
pub(crate) fn write<T, E>(
    closure: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> (Box<dyn Write>, Answer<T, E>)
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Waiting { closure, result: None, caller }), answer)
}

/// Packs a closure that reads.
pub(crate) fn read<T, E>(
    closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> (Box<dyn Read>, Answer<T, E>)
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Waiting { closure, result: None, caller }), answer)
}

impl<F, T, E> Write for Waiting<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let result = guarded(tx, &mut self.closure);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // A caller who gave up has no use for the answer.
            let _ = self.caller.send(result);
        }
    }

    fn fail(self: Box<Self>, error: DbError) {
        let _ = self.caller.send(Err(error.into()));
    }
}

impl<F, T, E> Read for Waiting<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn answer(self: Box<Self>, tx: &mut Tx<'_>) {
        let _ = self.caller.send(guarded(tx, self.closure));
    }

    fn fail(self: Box<Self>, error: DbError) {
        let _ = self.caller.send(Err(error.into()));
    }
}

/// Runs a closure so that neither its panic nor an error it overlooked does harm.
fn guarded<T, E: From<DbError>>(
    tx: &mut Tx<'_>,
    closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    match catch_unwind(AssertUnwindSafe(|| closure(tx))) {
        Ok(Ok(_)) if tx.is_spoiled() => Err(DbError::Spoiled.into()),
        Ok(result) => result,
        Err(payload) => Err(DbError::panicked(&*payload).into()),
    }
}
