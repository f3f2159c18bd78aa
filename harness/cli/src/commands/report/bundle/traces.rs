//! Finds what would tell a reviewer where, or by whom, a supplement was made.

use super::archive::Files;
use crate::cli::Folders;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The number of lines that are listed; the others are only counted.
const NAMED: usize = 20;
/// The places of users' folders on common systems. The user's name follows.
const HOMES: [&str; 4] = ["/home/", "/Users/", ":\\Users\\", "/root/"];
/// The fewest letters of a host name to look for: a shorter one could be any word.
const FEWEST: usize = 4;

/// Names of this machine and its folders.
pub(super) struct Traces {
    paths: BTreeSet<String>,
    host: Option<String>,
}

impl Traces {
    /// Finds the names that this process knows.
    pub(super) fn of_here(folders: &Folders) -> Self {
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let all = [&folders.root, &folders.store, &folders.reports, &folders.data].map(PathBuf::as_path);
        let mut paths = BTreeSet::new();
        for path in all.into_iter().chain(home.as_deref()) {
            paths.extend(telling(path));
            paths.extend(path.canonicalize().ok().and_then(|real| telling(&real)));
        }
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        Self { paths, host: Some(host).filter(|host| host.len() >= FEWEST && host != "localhost") }
    }

    /// Lists what reveals a machine or a user in `files`, one line each.
    pub(super) fn in_files(&self, files: &Files) -> Vec<String> {
        let mut told = Vec::new();
        for (name, bytes) in files {
            // Every file is searched, even if it is not UTF-8; pictures hold no text.
            let text = String::from_utf8_lossy(bytes);
            for (i, line) in text.lines().enumerate() {
                if let Some(found) = self.in_line(line) {
                    told.push(format!("{name}:{}: {found}", i + 1));
                }
            }
        }
        let more = told.len().saturating_sub(NAMED);
        told.truncate(NAMED);
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        told
    }

    fn in_line(&self, line: &str) -> Option<String> {
        let path = self.paths.iter().map(String::as_str).chain(HOMES).find_map(|path| after(line, path));
        let host = || self.host.as_deref().filter(|host| has_word(line, host)).map(|host| format!("the name {host}"));
        path.map(|path| format!("the path {path}")).or_else(host)
    }
}

/// The path as text if it reveals anything: `/` and `/tmp` are everywhere.
fn telling(path: &Path) -> Option<String> {
    let parts = path.components().count();
    (path.is_absolute() && parts > 2).then(|| path.display().to_string())
}

/// The path in a line that begins with `start`, if a path begins there.
fn after<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | ',' | ';');
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    line.match_indices(start).find_map(|(at, _)| {
        // In `https://host/home/x` the path is part of an address, not on a disk of this machine.
        let begins = start.starts_with(':') || !line[..at].ends_with(inside);
        let path = &line[at..];
        let path = &path[..path.find(ends).unwrap_or(path.len())];
        // A folder of users alone names no user.
        let named = !start.ends_with(['/', '\\']) || path.len() > start.len();
        (begins && named).then_some(path)
    })
}

fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(inside) && !line[at + word.len()..].starts_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_of_machines_are_found() {
        let traces = Traces { paths: ["/srv/lab/project".to_owned()].into(), host: Some("kestrel".to_owned()) };
        let found = |line: &str| traces.in_line(line);
        for line in [
            "read /srv/lab/project/data/x.png",
            "\"command\": \"/home/ada/bin/harness\"",
            "see /Users/ada",
            "C:\\Users\\ada\\x",
            "in /root/harness",
            "file:///home/ada/x",
            "trained on kestrel.",
        ] {
            assert!(found(line).is_some(), "{line}");
        }
        for line in ["a kestrels", "https://example.org/home/x", "/home/", "the root/home of x", "a/srv/lab/project"] {
            assert_eq!(found(line), None, "{line}");
        }
        let files: Files =
            [("a".to_owned(), b"x\nsee /home/ada/x, or\n".to_vec()), ("b".to_owned(), vec![0xff; 9])].into();
        assert_eq!(traces.in_files(&files), ["a:2: the path /home/ada/x"]);
    }
}
