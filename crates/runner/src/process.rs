//! Running a program of a run: in a process group of its own, with limits, watched line by line, and stopped for good.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::time::{Instant, sleep_until};

use crate::config::Limits;
use crate::environment::Environment;
use crate::isolation::Confinement;
use crate::log::{Lines, Log};
use crate::stop::{Stop, StopReason};

/// A program to run.
pub(crate) struct Program<'a> {
    pub(crate) path: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a Environment,
    /// What it sees of the places that are hidden from programs of runs; itself, anyway.
    pub(crate) shown: Vec<PathBuf>,
    /// What it reads from its standard input.
    pub(crate) input: Option<Vec<u8>>,
    /// How long it may take on top of what the whole run may take.
    pub(crate) timeout: Option<Duration>,
    /// Whom the request to end is sent to.
    pub(crate) asked_to_end: AskedToEnd,
    /// What happens to its standard output.
    pub(crate) output: Output,
}

/// Who gets SIGTERM. SIGKILL always goes to the whole group.
#[derive(Clone, Copy)]
pub(crate) enum AskedToEnd {
    /// Only the program: OpenTofu ends its helpers itself, and writes the state before.
    Program,
    /// The program and all it started.
    Group,
}

/// What happens to standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Every line goes to the log.
    Logged,
    /// As `Logged`, and so does the error stream, in exactly the order in which both were written. Nothing is kept as
    /// errors.
    LoggedTogether,
    /// It is the result, up to so many bytes, and is not shown.
    Kept(usize),
}

/// How a program ended by itself.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Standard output, if it was kept.
    pub(crate) output: Vec<u8>,
    /// The standard error stream, with a gap in the middle if it was long.
    pub(crate) errors: String,
}

impl Finished {
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }
}

/// Why a program did not end by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFinished {
    #[error("cannot start `{}`: {source}", program.display())]
    CannotStart { program: PathBuf, source: io::Error },
    #[error("it took longer than {} seconds", .0.as_secs())]
    TookTooLong(Duration),
    #[error("its output was longer than {0} bytes")]
    SaidTooMuch(usize),
    #[error("it was stopped")]
    Stopped(StopReason),
}

/// How all programs of a runner are started and ended.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    limiter: Option<(PathBuf, Vec<OsString>)>,
    confinement: Option<Confinement>,
    kill_grace: Duration,
}

/// How long the output of leftovers is waited for after a program ended.
const DRAIN: Duration = Duration::from_secs(2);

impl Processes {
    /// Limits are set by `prlimit` of util-linux, which then becomes the program.
    pub(crate) fn new(limits: &Limits, kill_grace: Duration) -> Self {
        let wanted = [
            ("nofile", Resource::Nofile, limits.open_files),
            ("fsize", Resource::Fsize, limits.file_bytes),
            ("data", Resource::Data, limits.memory_bytes),
            ("cpu", Resource::Cpu, limits.cpu_seconds),
            ("nproc", Resource::Nproc, limits.processes),
        ];
        let mut arguments: Vec<OsString> = vec!["--core=0".into()];
        arguments.extend(wanted.into_iter().filter_map(|(name, resource, most)| {
            // Nobody may get more than the runner itself.
            let most = most.min(getrlimit(resource).maximum.unwrap_or(u64::MAX));
            (most > 0).then(|| format!("--{name}={most}").into())
        }));
        arguments.push("--".into());
        let limiter = find("prlimit").map(|program| (program, arguments));
        if limiter.is_none() {
            tracing::warn!("`prlimit` is not installed: processes of runs have no resource limits");
        }
        Self { limiter, confinement: None, kill_grace }
    }

    /// The same, in namespaces.
    pub(crate) fn confined(self, confinement: Option<Confinement>) -> Self {
        Self { confinement, ..self }
    }

    /// The whole command line of a program: enter namespaces, set limits, be the program.
    fn words(&self, program: &Program<'_>) -> Vec<OsString> {
        let mut words = Vec::new();
        if let Some(confinement) = &self.confinement {
            let mut shown = program.shown.clone();
            shown.push(program.path.to_owned());
            shown.extend(program.path.canonicalize());
            words.extend(confinement.prefix(&shown, program.asked_to_end));
        }
        if let Some((limiter, arguments)) = &self.limiter {
            words.push(limiter.clone().into());
            words.extend(arguments.iter().cloned());
        }
        words.push(program.path.into());
        words.extend(program.arguments.iter().cloned());
        words
    }

    /// Runs a program to its end, or until it is stopped. Every line it says is handed out at once. When this
    /// returns, or is dropped, its whole process group has been killed.
    pub(crate) async fn run(
        &self,
        program: Program<'_>,
        stop: &Stop,
        mut line: impl FnMut(&str),
    ) -> Result<Finished, NotFinished> {
        if let Some(reason) = stop.said() {
            return Err(NotFinished::Stopped(reason));
        }
        let (mut group, mut child, mut streams) =
            self.start(&program).map_err(|source| cannot_start(program.path, source))?;
        let feeding =
            child.stdin.take().zip(program.input).map(|(stdin, input)| tokio::spawn(feed(stdin, input)));

        let far = Instant::now() + Duration::from_hours(24 * 365);
        let deadline = program.timeout.map_or(far, |timeout| Instant::now() + timeout);
        let (mut kill_at, mut drain_until) = (far, far);
        let mut stopped: Option<NotFinished> = None;
        let mut ended: Option<io::Result<ExitStatus>> = None;
        while ended.is_none() || streams.are_open() {
            tokio::select! {
                said_too_much = streams.next(&mut line), if streams.are_open() => {
                    if said_too_much && stopped.is_none() {
                        let Output::Kept(most) = program.output else { continue };
                        stopped = Some(NotFinished::SaidTooMuch(most));
                        kill_at = self.ask_to_end(&group, program.asked_to_end);
                    }
                }
                status = child.wait(), if ended.is_none() => {
                    ended = Some(status);
                    group.kill();
                    drain_until = Instant::now() + DRAIN;
                }
                reason = stop.heard(), if stopped.is_none() && ended.is_none() => {
                    stopped = Some(NotFinished::Stopped(reason));
                    kill_at = self.ask_to_end(&group, program.asked_to_end);
                }
                () = sleep_until(deadline), if stopped.is_none() && ended.is_none() => {
                    stopped = Some(NotFinished::TookTooLong(program.timeout.unwrap_or_default()));
                    kill_at = self.ask_to_end(&group, program.asked_to_end);
                }
                () = sleep_until(kill_at), if ended.is_none() => {
                    group.kill();
                    kill_at = far;
                }
                () = sleep_until(drain_until) => break,
            }
        }
        group.is_gone = true;
        if let Some(feeding) = feeding {
            feeding.abort();
        }
        let (output, errors) = streams.finish(&mut line);
        match (stopped, ended) {
            (Some(stopped), _) => Err(stopped),
            (None, Some(Ok(status))) => Ok(Finished { status, output, errors }),
            (None, Some(Err(source))) => Err(cannot_start(program.path, source)),
            (None, None) => Err(cannot_start(program.path, io::ErrorKind::Interrupted.into())),
        }
    }

    fn start(&self, program: &Program<'_>) -> io::Result<(Group, Child, Streams)> {
        let words = self.words(program);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir(program.folder)
            .env_clear()
            .envs(program.environment.iter())
            .env("PWD", program.folder)
            .stdin(if program.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut together = None;
        if program.output == Output::LoggedTogether {
            let (reader, writer) = io::pipe()?;
            command.stdout(writer.try_clone()?).stderr(writer);
            together = Some(Receiver::from_owned_fd(reader.into())?);
        }
        let mut child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Group { id, is_gone: false };
        let streams = Streams::of(&mut child, together, program.output);
        Ok((group, child, streams))
    }

    fn ask_to_end(&self, group: &Group, whom: AskedToEnd) -> Instant {
        group.ask_to_end(whom);
        Instant::now() + self.kill_grace
    }
}

fn cannot_start(program: &Path, source: io::Error) -> NotFinished {
    NotFinished::CannotStart { program: program.to_owned(), source }
}

async fn feed(mut stdin: ChildStdin, input: Vec<u8>) {
    // A program that does not read its input is free not to.
    let _ = stdin.write_all(&input).await;
}

/// A process group that does not outlive this value.
struct Group {
    id: Option<Pid>,
    is_gone: bool,
}

impl Group {
    fn ask_to_end(&self, whom: AskedToEnd) {
        let Some(id) = self.id else { return };
        // Whoever is gone already needs no signal.
        let _ = match whom {
            AskedToEnd::Program => kill_process(id, Signal::TERM),
            AskedToEnd::Group => kill_process_group(id, Signal::TERM),
        };
    }

    fn kill(&self) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_gone {
            self.kill();
        }
    }
}

/// What a child says, with what was read of it.
struct Streams {
    stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    stderr: Option<ChildStderr>,
    output: Output,
    kept: Vec<u8>,
    out_lines: Lines,
    error_lines: Lines,
    errors: Log,
    out_buffer: Vec<u8>,
    error_buffer: Vec<u8>,
}

impl Streams {
    fn of(child: &mut Child, together: Option<Receiver>, output: Output) -> Self {
        let stdout: Option<Box<dyn AsyncRead + Send + Unpin>> = match (together, child.stdout.take()) {
            (Some(both), _) => Some(Box::new(both)),
            (None, Some(stdout)) => Some(Box::new(stdout)),
            (None, None) => None,
        };
        Self {
            stdout,
            stderr: child.stderr.take(),
            output,
            kept: Vec::new(),
            out_lines: Lines::default(),
            error_lines: Lines::default(),
            errors: Log::default(),
            out_buffer: vec![0; 16 * 1024],
            error_buffer: vec![0; 16 * 1024],
        }
    }

    fn are_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Reads what comes next; true when more came than may be kept. Safe to cancel.
    async fn next(&mut self, line: &mut impl FnMut(&str)) -> bool {
        tokio::select! {
            read = read(&mut self.stdout, &mut self.out_buffer) => {
                let bytes = &self.out_buffer[..read];
                match self.output {
                    Output::Logged | Output::LoggedTogether => self.out_lines.take(bytes, line),
                    Output::Kept(most) if self.kept.len() + bytes.len() > most => return true,
                    Output::Kept(_) => self.kept.extend_from_slice(bytes),
                }
            }
            read = read(&mut self.stderr, &mut self.error_buffer) => {
                let errors = &mut self.errors;
                self.error_lines.take(&self.error_buffer[..read], |text| {
                    errors.add(text);
                    line(text);
                });
            }
        }
        false
    }

    fn finish(mut self, line: &mut impl FnMut(&str)) -> (Vec<u8>, String) {
        self.out_lines.finish(&mut *line);
        let errors = &mut self.errors;
        self.error_lines.finish(|text| {
            errors.add(text);
            line(text);
        });
        (self.kept, self.errors.text())
    }
}

/// Reads from an open stream, and closes it at its end. Waits forever on a closed one.
async fn read<R: AsyncRead + Unpin>(stream: &mut Option<R>, buffer: &mut [u8]) -> usize {
    let Some(open) = stream else { return std::future::pending().await };
    let read = open.read(buffer).await.unwrap_or(0);
    if read == 0 {
        *stream = None;
    }
    read
}

/// A program in the runner's own search path; a name with a slash is taken as it is.
pub(crate) fn find(program: impl AsRef<Path>) -> Option<PathBuf> {
    let program = program.as_ref();
    if program.components().count() > 1 {
        let program = std::path::absolute(program).ok()?;
        return program.is_file().then_some(program);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests;
