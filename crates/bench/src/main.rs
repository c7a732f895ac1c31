//! Figures of a release build on SQLite and PostgreSQL, each beside a baseline from the same run.
//!
//! The server is a process of its own, spoken to over loopback HTTP by a load generator on one thread. A
//! measured round is followed at once by a round of its baseline, so that both see the same machine.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod applying;
mod constant;
mod depth;
mod estate;
mod figures;
mod ground;
mod installation;
mod life;
mod listed;
mod load;
mod machine;
mod multiplying;
mod ordering;
mod pace;
mod pages;
mod process;
mod raw;
mod reading;
mod report;
mod resting;
mod rows;
mod starting;
mod suite;
mod waiting;
mod watching;

use anyhow::Context;
use clap::{Parser, Subcommand};
use pace::Pace;
use std::path::PathBuf;
use std::process::ExitCode;
use stoa_bench::{http1, server};
use stoa_db::Engine;
use suite::{Part, Plan};

/// Measures Stoa. Traffic goes to 127.0.0.1 only; time and requests are bounded.
#[derive(Parser)]
#[command(name = "stoa-bench")]
struct Options {
    /// The program to measure
    #[arg(long, env = "STOA_BIN", value_name = "FILE")]
    stoa: Option<PathBuf>,
    /// A short round: fewer objects, shorter and fewer rounds; its figures are rough
    #[arg(long)]
    quick: bool,
    /// Only this database; PostgreSQL needs STOA_TEST_POSTGRES
    #[arg(long, value_name = "ENGINE", value_parser = ["sqlite", "postgres"])]
    database: Option<String>,
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum, value_name = "PART,…")]
    only: Vec<Part>,
    /// Folder for the databases and for bench.md; it should lie on the disk that matters
    #[arg(long, env = "STOA_BENCH_DIR", default_value = "target", value_name = "DIR")]
    folder: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The baseline's server: it answers every request with the same bytes
    #[command(hide = true)]
    Constant {
        /// How many bytes
        bytes: usize,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            machine::say(&format!("stoa-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    if let Some(Command::Constant { bytes }) = options.command {
        return constant::serve(bytes);
    }
    let stoa = options.stoa.context("STOA_BIN names the program to measure")?;
    let offered = std::env::var(stoa_db::testing::SERVER).is_ok_and(|url| !url.is_empty());
    let engines: Vec<Engine> = match options.database.as_deref() {
        Some("sqlite") => vec![Engine::Sqlite],
        Some(_) => vec![Engine::Postgres],
        None if offered => vec![Engine::Sqlite, Engine::Postgres],
        None => vec![Engine::Sqlite],
    };
    let plan = Plan {
        stoa,
        engines,
        parts: options.only,
        pace: if options.quick { Pace::quick() } else { Pace::full() },
        folder: options.folder,
    };
    // One thread makes all the load, so that the server has the other cores to itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            measured = suite::measure(&plan) => measured,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}
