//! Asks git about a checkout. The build script compiles this file, too.

use std::{env, path::Path, process::Command};

/// Returns git, to be run in `folder`. Git's own variables are hidden from it: they could name another repository, or other
/// settings.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // Without this, asking for the state may write the index.
    command.arg("--no-optional-locks").arg("-C").arg(folder);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
}

/// Returns what git prints about the repository that `folder` is in. `None` if there is no git or no repository, or if
/// git refuses, for example because the repository belongs to somebody else.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = command(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the commit of the checkout that `folder` is in, and true if files are not as committed. Each is `None` if
/// git does not say. `which` are arguments of `git status`: options, then the files as patterns in which `*` matches
/// `/`, too.
pub(crate) fn state(folder: &Path, which: &[&str]) -> (Option<String>, Option<bool>) {
    let Some(commit) = git(folder, &["rev-parse", "--verify", "HEAD"]) else { return (None, None) };
    let changes = git(folder, &[&["status", "--porcelain", "--untracked-files=all"][..], which].concat());
    (Some(commit), changes.map(|changes| !changes.is_empty()))
}
