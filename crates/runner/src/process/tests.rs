//! Programs are watched and ended as promised.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{AskedToEnd, NotFinished, Output, Processes, Program, find};
use crate::config::Limits;
use crate::environment::Environment;
use crate::stop::{Stop, StopReason};

fn processes() -> Processes {
    Processes::new(&Limits::default(), Duration::from_millis(300))
}

struct Bash {
    path: std::path::PathBuf,
    environment: Environment,
}

impl Bash {
    fn new() -> Self {
        Self { path: find("bash").unwrap(), environment: Environment::of_run(&[]) }
    }

    fn script(&self, script: &str) -> Program<'_> {
        Program {
            path: &self.path,
            arguments: vec!["-c".into(), script.into()],
            folder: Path::new("/"),
            environment: &self.environment,
            shown: Vec::new(),
            input: None,
            timeout: None,
            asked_to_end: AskedToEnd::Group,
            output: Output::Logged,
        }
    }
}

/// Whether a process that was killed is gone; the system may take a moment.
fn is_gone(pid: &str) -> bool {
    (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        // A killed process nobody waited for is a zombie.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .map_or(true, |stat| stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
    })
}

#[tokio::test]
async fn lines_status_and_input_come_through() {
    let (bash, mut said) = (Bash::new(), Vec::new());
    let mut program = bash.script("read x; echo got $x; echo bad >&2; printf end; exit 3");
    program.input = Some(b"input\nmore\n".to_vec());
    let finished = processes().run(program, &Stop::new(), |line| said.push(line.to_owned())).await.unwrap();
    assert_eq!(finished.status.code(), Some(3));
    assert_eq!(finished.errors, "bad\n");
    said.sort();
    assert_eq!(said, ["bad", "end", "got input"]);
}

#[tokio::test]
async fn both_streams_together_keep_their_order() {
    let (bash, mut said) = (Bash::new(), Vec::new());
    let mut program = bash.script("for i in $(seq 50); do echo out $i; echo err $i >&2; done");
    program.output = Output::LoggedTogether;
    let finished = processes().run(program, &Stop::new(), |line| said.push(line.to_owned())).await.unwrap();
    assert_eq!(finished.errors, "");
    let expected: Vec<_> = (1..=50).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(said, expected);
}

#[tokio::test]
async fn the_environment_is_clean_and_limits_hold() {
    let (bash, mut said) = (Bash::new(), Vec::new());
    let program = bash.script("echo ${CARGO_PKG_NAME:-unset}; ulimit -n; ulimit -c");
    processes().run(program, &Stop::new(), |line| said.push(line.to_owned())).await.unwrap();
    assert_eq!(said, ["unset", "4096", "0"]);
}

#[tokio::test]
async fn leftovers_in_the_background_neither_block_nor_survive() {
    let (bash, mut said) = (Bash::new(), Vec::new());
    let program = bash.script("sleep 600 & echo $!");
    let start = Instant::now();
    processes().run(program, &Stop::new(), |line| said.push(line.to_owned())).await.unwrap();
    assert!(start.elapsed() < Duration::from_mins(2), "it was waited for what goes on for ten minutes");
    assert!(is_gone(&said[0]));
}

#[tokio::test]
async fn who_ignores_the_request_to_end_is_killed_with_all_children() {
    let (bash, stop) = (Bash::new(), Stop::new());
    let program = bash.script("trap '' TERM; sleep 600 & echo $!; wait; wait");
    let mut said = Vec::new();
    let speaker = stop.clone();
    let result = processes()
        .run(program, &stop, |line| {
            said.push(line.to_owned());
            speaker.say(StopReason::Aborted);
        })
        .await;
    assert!(matches!(result, Err(NotFinished::Stopped(StopReason::Aborted))));
    assert!(is_gone(&said[0]));
}

#[tokio::test]
async fn a_program_has_its_time_and_no_more() {
    let bash = Bash::new();
    let mut program = bash.script("sleep 600");
    program.timeout = Some(Duration::from_millis(100));
    let result = processes().run(program, &Stop::new(), |_| {}).await;
    assert!(matches!(result, Err(NotFinished::TookTooLong(_))));
}

#[tokio::test]
async fn kept_output_is_bounded() {
    let bash = Bash::new();
    let mut program = bash.script("head -c 100000 /dev/zero; sleep 600");
    program.output = Output::Kept(1000);
    let result = processes().run(program, &Stop::new(), |_| {}).await;
    assert!(matches!(result, Err(NotFinished::SaidTooMuch(1000))));
    let mut program = bash.script("echo kept; echo shown >&2");
    program.output = Output::Kept(1000);
    let finished = processes().run(program, &Stop::new(), |line| assert_eq!(line, "shown")).await.unwrap();
    assert_eq!(finished.output, b"kept\n");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let bash = Bash::new();
    let mut program = bash.script("");
    program.path = Path::new("/no/such/program");
    let processes = Processes { limiter: None, confinement: None, kill_grace: Duration::ZERO };
    let error = processes.run(program, &Stop::new(), |_| {}).await.err().unwrap();
    assert!(error.to_string().starts_with("cannot start `/no/such/program`:"));
}
