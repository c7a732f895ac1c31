//! Rounds of faults for as long as asked: prints what was done and what was found, and fails when anything was.

use anyhow::Context;
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use stoa_chaos::faults::Fault;
use stoa_chaos::random::Random;
use stoa_chaos::round::{Plan, Round};
use stoa_db::Engine;

/// How long a lost claim takes to be offered again, and some more.
const PATIENCE: Duration = Duration::from_mins(7);
/// One round lasts no longer: then everything is checked, and a new one begins.
const ROUND: Duration = Duration::from_mins(10);

/// Kills, stops and cuts off servers, runners, OpenTofu and the database under load. Traffic goes to 127.0.0.1 only.
#[derive(Parser)]
#[command(name = "stoa-chaos")]
struct Options {
    /// The program to torment
    #[arg(long, env = "STOA_BIN", value_name = "FILE")]
    stoa: PathBuf,
    /// The OpenTofu program
    #[arg(long, env = "STOA_TOFU", value_name = "FILE")]
    tofu: PathBuf,
    /// How long faults go on, for example `90s`, `30m`, `2h`
    #[arg(long, default_value = "5m", value_name = "SPAN", value_parser = span)]
    duration: Duration,
    /// The database; PostgreSQL needs STOA_TEST_POSTGRES
    #[arg(long, default_value = "sqlite", value_name = "ENGINE", value_parser = ["sqlite", "postgres"])]
    database: String,
    /// What the dice begin with; made up when absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Servers on one PostgreSQL database
    #[arg(long, default_value_t = 3, value_name = "N")]
    servers: usize,
    /// How long one fault lasts at most
    #[arg(long, default_value = "60s", value_name = "SPAN", value_parser = span)]
    longest: Duration,
}

fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let number: u64 = number.parse().map_err(|_| "must be a number with s, m or h".to_owned())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        _ => Err("must end with s, m or h".to_owned()),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let run = async {
        tokio::select! {
            clean = torment(options) => clean,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    };
    match runtime.block_on(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    say(&format!("stoa-chaos: {error:#}"));
    ExitCode::FAILURE
}

fn say(line: &str) {
    // Nobody is there to be told that nobody is there.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Rounds until the time is over; whether nothing was found.
async fn torment(options: Options) -> anyhow::Result<bool> {
    let engine = if options.database == "sqlite" { Engine::Sqlite } else { Engine::Postgres };
    let seed = options.seed.unwrap_or_else(|| Random::seeded().seed());
    let until = Instant::now() + options.duration;
    let mut random = Random::from(seed);
    let (mut clean, mut number) = (true, 0);
    while Instant::now() < until {
        number += 1;
        let duration = until.saturating_duration_since(Instant::now()).min(ROUND);
        let plan = Plan {
            stoa: options.stoa.clone(),
            tofu: options.tofu.clone(),
            engine,
            servers: if engine == Engine::Sqlite { 1 } else { options.servers.max(1) },
            workers: 2,
            seed: random.next(),
            duration,
            longest_fault: options.longest,
            calm: Duration::from_secs(8),
            clients: 6,
            pace: Duration::from_secs(2),
            faults: Fault::ALL.to_vec(),
        };
        say(&format!("round {number}: seed {seed}, {} s on {}", duration.as_secs(), options.database));
        let mut round = Round::prepare(plan).await?.context("STOA_TEST_POSTGRES names no server")?;
        round.torment().await?;
        say("calm; waiting until everything is still");
        let verdict = round.settle(PATIENCE, || {}).await?;
        say(&verdict.to_string());
        clean &= verdict.is_clean();
    }
    Ok(clean)
}
