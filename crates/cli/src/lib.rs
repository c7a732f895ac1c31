//! The client commands of the one binary `stoa`: what a person or a script types to use a Stoa server.
//!
//! The binary adds [`Command`] to its own commands, [`Global`] to its options, and calls [`run`]. Data goes to
//! standard output, everything else to standard error; exit codes follow `operations.md` §0.1.

mod api;
mod apikey;
mod apply;
mod args;
mod bar;
mod block;
mod chosen;
mod console;
mod context;
mod delete;
mod describe;
mod events;
mod explain;
mod failure;
mod get;
mod kinds;
mod login;
mod near;
mod operator;
mod order;
mod reference;
mod runner;
mod runs;
mod show;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod watch;

pub use args::{
    Apikey, Apply, Approve, Command, ContextCommand, Delete, Events, EventsCommand, Explain, Format, Get,
    Global, List, Login, Order, Reference, Runs, StateCommand, Verdict,
};
pub use kinds::Kind;
pub use runner::Local;

use api::{Api, id_of, no_body};
use console::{Channel, Console};
use context::Store;
use failure::Failure;
use serde_json::Value;
use std::process::ExitCode;

/// Carries out a command and says how it went.
pub async fn run(command: Command, global: Global) -> ExitCode {
    let mut console = Console::system(&global);
    let result = match Store::of_person() {
        Ok(store) => execute(command, &global, &store, &mut console).await,
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&mut console, &failure);
            ExitCode::from(&failure)
        }
    }
}

/// The server and the credential that the options, the environment or the stored context name: for commands of
/// the binary that are not client commands. A failure has been told already.
pub fn access(global: &Global) -> Result<(String, stoa_client::Credential), ExitCode> {
    let settled = Store::of_person().and_then(|store| context::settle(global, &store));
    settled.map(|connection| (connection.url, connection.credential)).map_err(|failure| {
        report(&mut Console::system(global), &failure);
        ExitCode::from(&failure)
    })
}

/// `stoa runner status`: how a runner does, as its server sees it and, where this machine can tell, from near. Whom to
/// ask, and as whom, is `at`, or what the options, the environment or the stored context name.
pub async fn runner_status(
    global: &Global,
    at: Option<(String, stoa_client::Credential)>,
    runner: &str,
    local: Option<Local>,
) -> ExitCode {
    let mut console = Console::system(global);
    let connection = match at {
        Some((url, credential)) => Ok(context::Connection { url, credential }),
        None => Store::of_person().and_then(|store| context::settle(global, &store)),
    };
    let status = async {
        let api = Api::new(&connection?)?;
        runner::status(&api, &mut console, runner, local).await
    };
    match status.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&mut console, &failure);
            ExitCode::from(&failure)
        }
    }
}

/// The folder with the stored contexts, if there can be one: it holds credentials.
pub fn config_folder() -> Option<std::path::PathBuf> {
    Store::of_person().ok().and_then(|store| store.path().parent().map(std::path::Path::to_owned))
}

/// Prints what clap has to say about a command line, and the exit code that goes with it: 64 for a mistake,
/// 0 when help or the version was asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when even this cannot be written.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS }
}

/// One clear line about a failure.
fn report(console: &mut Console, failure: &Failure) {
    if !failure.is_silent() {
        let line = format!("error: {}\n", console::one_line(&failure.to_string()));
        // Nobody is left to tell when standard error is closed.
        drop(console.write(Channel::Err, &line));
    }
}

async fn execute(
    command: Command,
    global: &Global,
    store: &Store,
    console: &mut Console,
) -> Result<(), Failure> {
    let command = match command {
        Command::Login(login) => return login::login(console, global, store, login).await,
        Command::Context(command) => return chosen::context(console, store, command),
        other => other,
    };
    let api = Api::new(&context::settle(global, store)?)?;
    match command {
        Command::Login(_) | Command::Context(_) => Ok(()),
        Command::Get(get) => get::get(&api, console, get).await,
        Command::List(list) => get::list(&api, console, list).await,
        Command::Apply(apply) => apply::apply(&api, console, apply).await,
        Command::Delete(delete) => delete::delete(&api, console, delete).await,
        Command::Order(order) => order::order(&api, console, order).await,
        Command::Runs(command) => runs::runs(&api, console, command).await,
        Command::Apikey(command) => apikey::apikey(&api, console, command).await,
        Command::Approve(approve) => self::approve(&api, console, approve).await,
        Command::Platform(command) => operator::platform(&api, console, command).await,
        Command::Tenant(command) => operator::tenant(&api, console, command).await,
        Command::Events(events) => events::events(&api, console, events).await,
        Command::State(command) => state::state(&api, console, command).await,
        Command::Explain(explain) => explain::explain(&api, console, explain).await,
        Command::Reference(reference) => reference::reference(&api, console, reference).await,
        Command::Openapi => openapi(&api, console).await,
    }
}

async fn approve(api: &Api, console: &mut Console, approve: Approve) -> Result<(), Failure> {
    let version = api.resolve(&kinds::VERSION, &approve.version, approve.workspace.as_deref()).await?;
    let uuid = id_of(&kinds::VERSION, &version)?;
    let approved = api.act(&kinds::VERSION, &uuid, "approve", &no_body()).await?;
    if approved.is_null() || (console.format == Format::Table && !console.quiet) {
        return console.note(format_args!("{}/{uuid} approved", kinds::VERSION.name));
    }
    show::one(console, &kinds::VERSION, &approved)
}

async fn openapi(api: &Api, console: &mut Console) -> Result<(), Failure> {
    let description: Value = api.client().get("/api/openapi.json", "application/json").await?;
    show::document(console, &description)
}
