//! The one binary, `stoa`: server, runner and client commands.

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use stoa_server::keys::Keys;
use stoa_server::{Config, ConfigError};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

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
}

/// Which runner.
#[derive(clap::Args)]
struct RunnerRun {
    /// Configuration file, as `stoa runner init` writes it
    #[arg(long, default_value = "stoa-runner.toml", env = "STOA_RUNNER_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
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
            Command::Serve(config) => {
                log();
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
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
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
        Ok(config) => config,
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
    match stoa_runner::init(new).await {
        Ok(config) => say(&format!(
            "Runner {} is registered. Start it with: stoa runner run --config {}",
            config.runner_uuid,
            config_file.display()
        )),
        Err(error) => failed(&error.into()),
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
