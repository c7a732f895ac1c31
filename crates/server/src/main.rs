//! The one binary, `stoa`: server, runner and client commands.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use stoa_server::keys::Keys;
use stoa_server::{Config, ConfigError};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Self-hosted internal developer platform and cloud governance.
#[derive(Parser)]
#[command(name = "stoa", version, disable_version_flag = true)]
struct Cli {
    #[command(flatten)]
    global: stoa_cli::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API, run controllers and, unless told otherwise, execute runs
    Serve(Box<Config>),
    /// Execute runs for a server: claim and execute until stopped
    #[command(args_conflicts_with_subcommands = true)]
    Runner {
        #[command(flatten)]
        run: RunnerRun,
        #[command(subcommand)]
        command: Option<Runner>,
    },
    /// Look after the keys of an installation: its master key and the ring that this wraps
    #[command(subcommand)]
    Keys(Keys),
    /// Print completions for a shell, to be loaded by it
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    Man {
        /// Folder for the pages, which must exist
        #[arg(value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Print the version
    Version {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Client(stoa_cli::Command),
}

#[derive(Subcommand)]
enum Runner {
    /// Make a key pair, register a runner and write its configuration
    Init {
        /// Workspace that operates the runner
        #[arg(long, value_name = "NAME")]
        workspace: String,
        /// Name of the runner for people
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// What it executes: TERRAFORM, MANUAL, GITHUB_WORKFLOW, GITLAB_PIPELINE, AZURE_DEVOPS_PIPELINE or ALL
        #[arg(long = "type", default_value = "ALL", value_name = "TYPE")]
        implementation: String,
        /// Configuration file to write; it must not exist
        #[arg(long, default_value = "stoa-runner.toml", value_name = "FILE")]
        config: PathBuf,
        /// Folder the runner will work in
        #[arg(long, default_value = "stoa-runner", value_name = "DIR")]
        work_dir: PathBuf,
    },
    /// Claim and execute runs until stopped; the same as without a command
    Run(RunnerRun),
    /// Tell whether a runner is there, what waits for it and how it keeps runs apart; exit with 1 if it is silent
    Status {
        /// A runner of the server in use, by uuid or display name; the one that is configured here if absent
        #[arg(value_name = "UUID|NAME")]
        runner: Option<String>,
        #[command(flatten)]
        here: RunnerRun,
    },
}

/// Which runner.
#[derive(clap::Args)]
struct RunnerRun {
    /// Configuration file, as `stoa runner init` writes it
    #[arg(long, default_value = "stoa-runner.toml", env = "STOA_RUNNER_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

/// This program, whatever happens to its file.
const MYSELF: &str = "/proc/self/exe";

fn main() -> ExitCode {
    // Before there are threads: this is how a runner starts what runs execute.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == stoa_runner::CONFINE) {
        return stoa_runner::confine(words);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return stoa_cli::usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    runtime.block_on(async {
        match cli.command {
            Command::Serve(mut config) => {
                log();
                config.confiner = Some(MYSELF.into());
                config.hidden.extend(stoa_cli::config_folder());
                serve(*config).await
            }
            Command::Runner { command: Some(Runner::Run(runner)), .. }
            | Command::Runner { run: runner, command: None } => {
                log();
                run(runner.config).await
            }
            Command::Runner {
                command: Some(Runner::Init { workspace, name, implementation, config, work_dir }),
                ..
            } => init(&cli.global, workspace, name, implementation, config, work_dir).await,
            Command::Runner { command: Some(Runner::Status { runner, here }), .. } => {
                status(&cli.global, runner, &here.config).await
            }
            Command::Completions { shell } => completions(shell),
            Command::Man { into } => manual(into.as_deref()),
            Command::Keys(keys) => {
                log_from("warn");
                match stoa_server::keys::run(keys).await {
                    Ok(told) => say(&told),
                    Err(error) => failed(&error),
                }
            }
            Command::Version { json } => version(json),
            Command::Client(command) => stoa_cli::run(command, cli.global).await,
        }
    })
}

/// Logs go to standard error: JSON, or lines for people on a terminal. `STOA_LOG` filters them.
fn log() {
    log_from("info");
}

fn log_from(level: &str) {
    let filter = EnvFilter::try_from_env("STOA_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = tracing_subscriber::registry().with(filter).with(filter_fn(is_discreet));
    if std::io::stderr().is_terminal() {
        log.with(lines).init();
    } else {
        log.with(lines.json()).init();
    }
}

/// Whether somebody else's code may say this. In its finer levels the client of PostgreSQL tells every value of every
/// statement: those are never logged, whatever `STOA_LOG` asks for.
fn is_discreet(said: &Metadata<'_>) -> bool {
    let crates = ["tokio_postgres", "postgres"];
    let of = said.target().split("::").next().unwrap_or_default();
    !crates.contains(&of) || *said.level() <= Level::INFO
}

/// One line for people; 78 when it is about configuration, else 1.
fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("error: {error:#}\n"));
    let configuration = error.downcast_ref::<ConfigError>().is_some();
    ExitCode::from(if configuration { 78 } else { 1 })
}

async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn serve(config: Config) -> ExitCode {
    if config.unsafe_no_fsync {
        tracing::error!("DANGER: running without fsync; a crash of the machine loses what was answered");
    }
    match stoa_server::start(config).await {
        Ok(running) => {
            // Not logged: whoever has it becomes the first administrator.
            if let Some(link) = &running.welcome {
                say(&format!("Become the first administrator: {link}"));
            }
            stop_signal().await;
            tracing::info!("stopping");
            running.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the server could not start");
            failed(&error)
        }
    }
}

async fn run(file: PathBuf) -> ExitCode {
    let config = match stoa_runner::Config::load(&file) {
        Ok(mut config) => {
            config.confiner = Some(MYSELF.into());
            config.hidden.extend(stoa_cli::config_folder());
            config
        }
        Err(error) => return failed(&ConfigError::Other(error.to_string()).into()),
    };
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        stopped.cancel();
    });
    match stoa_runner::run(config, stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.into()),
    }
}

async fn init(
    global: &stoa_cli::Global,
    workspace: String,
    display_name: String,
    implementation_type: String,
    config_file: PathBuf,
    work_dir: PathBuf,
) -> ExitCode {
    let (base_url, credential) = match stoa_cli::access(global) {
        Ok(access) => access,
        Err(code) => return code,
    };
    let new = stoa_runner::NewRunner {
        base_url,
        credential,
        workspace,
        display_name,
        implementation_type,
        config_file: config_file.clone(),
        work_dir,
    };
    if std::io::stderr().is_terminal() {
        let _ = writeln!(std::io::stderr(), "making a key pair and registering the runner …");
    }
    match stoa_runner::init(new).await {
        Ok(config) => say(&format!(
            "Runner {} is registered. Start it with: stoa runner run --config {}",
            config.runner_uuid,
            config_file.display()
        )),
        Err(error) => failed(&error.into()),
    }
}

async fn status(global: &stoa_cli::Global, runner: Option<String>, file: &Path) -> ExitCode {
    if let Some(runner) = runner {
        return stoa_cli::runner_status(global, None, &runner, None).await;
    }
    let config = match stoa_runner::Config::load(file) {
        Ok(mut config) => {
            config.confiner = Some(MYSELF.into());
            config
        }
        Err(error) => return failed(&ConfigError::Other(told(&error)).into()),
    };
    let near = stoa_runner::look(&config);
    let local =
        stoa_cli::Local { is_at_work: near.is_at_work, isolation: near.isolation, unsent: near.unsent };
    let at = (config.base_url.clone(), config.credential.clone());
    stoa_cli::runner_status(global, Some(at), &config.runner_uuid, Some(local)).await
}

/// An error with what caused it, on one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}

fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stoa", &mut script);
    written(std::io::stdout().write_all(&script))
}

fn manual(into: Option<&Path>) -> ExitCode {
    let command = Cli::command();
    let Some(folder) = into else {
        let mut page = Vec::new();
        let made = clap_mangen::Man::new(command).render(&mut page);
        return written(made.and_then(|()| std::io::stdout().write_all(&page)));
    };
    match clap_mangen::generate_to(command, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&anyhow::anyhow!("{}: {error}", folder.display())),
    }
}

/// Whoever closed our output has read enough.
fn written(result: std::io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => failed(&error.into()),
        _ => ExitCode::SUCCESS,
    }
}

fn say(line: &str) -> ExitCode {
    match std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{line}\n")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn version(json: bool) -> ExitCode {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        say(&serde_json::json!({ "name": "stoa", "version": version }).to_string())
    } else {
        say(&format!("stoa {version}"))
    }
}
