//! A process namespace for one program: nothing that it starts outlives it, whatever that does to hide.
//!
//! Three processes take part. The one that was started as `stoa confine` stays outside: it passes on the request to end,
//! and ends as the program did. The first one inside shows the namespace as `/proc`, bounds how many processes there may
//! be, and adopts whoever loses its parent. The program is the second one inside. When the first ends, the kernel kills
//! all others; it ends when the one outside does.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::mount::{MountFlags, mount};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, getpid, kill_process, set_dumpable_behavior, wait,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, set_capabilities, set_no_new_privs,
};
use tokio::signal::unix::{SignalKind, signal};

use super::confine::{COMMAND, CannotConfine, cannot_start, doing};

/// The word that leads a further process of this program into [`be_first`].
pub(super) const FIRST: &str = "--first";
/// What the first one says when all is ready.
const READY: u8 = b'!';
/// Pause between two looks for processes that ended and have nobody.
const REAP: Duration = Duration::from_millis(200);
/// The kernel gives the numbers below this one to the first processes of a namespace only.
const RESERVED: u32 = 300;
/// Since this version each process namespace has a highest number of its own; before, there was one for the machine.
const OWN_HIGHEST: (u32, u32) = (6, 14);

/// Starts the first process of the namespace that further children of this process are born into.
pub(super) fn start_first(most: u32) -> Result<Child, CannotConfine> {
    keep_rights_over_exec().map_err(doing("pass on rights"))?;
    let mut first = Command::new("/proc/self/exe")
        .args([COMMAND, FIRST, &most.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(doing("start the first process of a namespace"))?;
    let mut word = [0];
    let heard = first.stdout.take().map(|mut stdout| stdout.read_exact(&mut word));
    if !matches!(heard, Some(Ok(()))) || word != [READY] {
        // It said itself what was wrong.
        let _ = first.wait();
        return Err(doing("have a process namespace")(io::ErrorKind::Other.into()));
    }
    Ok(first)
}

/// The right to mount `/proc` survives becoming another program, also for users other than root.
fn keep_rights_over_exec() -> io::Result<()> {
    let own = capabilities(None)?;
    set_capabilities(None, CapabilitySets { inheritable: CapabilitySet::SYS_ADMIN, ..own })?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)?;
    Ok(())
}

/// No right is left in this process, and it passes on none.
pub(super) fn keep_no_rights() -> rustix::io::Result<()> {
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// Is the first process of a namespace until whoever started it is gone.
pub(super) fn be_first(most: Option<&str>) -> ExitCode {
    let most = most.and_then(|most| most.parse().ok()).unwrap_or_default();
    let prepared = prepare(most).and_then(|()| {
        let mut told = io::stdout();
        told.write_all(&[READY]).and_then(|()| told.flush()).map_err(doing("say that it is ready"))
    });
    if let Err(error) = prepared {
        eprintln!("stoa confine: {error}");
        return ExitCode::FAILURE;
    }
    std::thread::spawn(|| {
        // Nothing is ever written to it; it is closed when the other end is gone.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    loop {
        while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        std::thread::sleep(REAP);
    }
}

fn prepare(most: u32) -> Result<(), CannotConfine> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None)
        .map_err(|error| doing("show a process namespace as /proc")(error.into()))?;
    if most > 0 && kernel().is_some_and(|version| version >= OWN_HIGHEST) {
        let highest = most.saturating_add(RESERVED).to_string();
        fs::write("/proc/sys/kernel/pid_max", highest).map_err(doing("bound the number of processes"))?;
    }
    keep_no_rights()
        .and_then(|()| set_no_new_privs(true))
        .map_err(|error| doing("give up rights")(error.into()))
}

/// The kernel's version, as far as it matters.
fn kernel() -> Option<(u32, u32)> {
    let name = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = name.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Starts the program, and ends as it does.
pub(super) fn live(
    program: &OsString,
    arguments: &[OsString],
    passes_on: bool,
    mut first: Child,
) -> ExitCode {
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(watch(program, arguments, passes_on)));
    // With the first one everybody goes, and only then this one.
    let _ = first.kill();
    let _ = first.wait();
    match ended {
        Ok(status) => end_as(status),
        Err(error) => cannot_start(program, &error),
    }
}

async fn watch(program: &OsString, arguments: &[OsString], passes_on: bool) -> io::Result<ExitStatus> {
    let mut asked = signal(SignalKind::terminate())?;
    // The terminal asks everybody itself.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut child = tokio::process::Command::new(program).args(arguments).spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            _ = asked.recv() => {
                if let Some(id) = id.filter(|_| passes_on) {
                    // It may be ending just now.
                    let _ = kill_process(id, Signal::TERM);
                }
            }
            _ = interrupted.recv() => {}
        }
    }
}

/// Ends with the same code, or by the same signal.
fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(number) = status.signal() {
        // What this process holds in memory is nobody's business.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        if let Some(signal) = Signal::from_named_raw(number) {
            let _ = kill_process(getpid(), signal);
        }
        // Signals that are waited for here do not end it.
        return ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
