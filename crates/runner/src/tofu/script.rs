//! The script that a definition may run before the work.

use std::path::Path;

use crate::folder::{Links, read_of_others, write_new};

/// The script's name in the module's folder.
const SCRIPT_FILE: &str = "meshstack-pre-run.sh";
/// Names the file in which the script tells the consumer something.
pub(crate) const MESSAGE_VARIABLE: &str = "MESHSTACK_USER_MESSAGE";
/// How much of that file is read.
const MESSAGE: u64 = 64 * 1024;

/// How the interpreter is called for a script file and a behavior.
pub(crate) fn arguments(behavior: &str) -> Vec<std::ffi::OsString> {
    ["--noprofile", "--norc", "-e", "-o", "pipefail", SCRIPT_FILE, behavior].map(Into::into).to_vec()
}

/// Writes the script with the line ends that its interpreter wants.
pub(crate) fn write(script: &str, folder: &Path) -> std::io::Result<()> {
    write_new(&folder.join(SCRIPT_FILE), script.replace("\r\n", "\n").as_bytes())
}

/// What the script wants to tell the consumer.
pub(crate) fn message(file: &Path) -> Option<String> {
    let bytes = read_of_others(file, Links::Refused, MESSAGE).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}
