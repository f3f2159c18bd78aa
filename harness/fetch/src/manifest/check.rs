//! Checks a manifest beyond what its types enforce.

use super::{Expected, HubFile, Layout, Manifest, Origin, RemoteFile, Source, UNVERIFIED};
use std::collections::BTreeSet;

impl Manifest {
    /// Checks the manifest. Each problem names the field and the expected value.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut found = Found::default();
        for (field, text) in [("title", &self.title), ("licence", &self.licence), ("citation", &self.citation)] {
            found.unless(!text.trim().is_empty() && text.len() <= 4000, field, "a text of 1 to 4000 characters");
        }
        let page = self.homepage.is_empty() || is_url(&self.homepage, true);
        found.unless(page, "homepage", "an address that begins with https:// or http://, or an empty text");
        found.unless(self.folder.as_deref().is_none_or(is_path), "folder", PATH);
        self.check_origin(&mut found);
        self.check_layout(&mut found);
        self.check_lists(&mut found);
        found.0
    }

    fn check_origin(&self, found: &mut Found) {
        match &self.origin {
            Origin::BuiltIn => {}
            Origin::Local(text) => found.unless(!text.trim().is_empty(), "origin.local", "how the folder is made"),
            Origin::Download(files) => check_files(files, "origin.download", found),
            Origin::OneOf(files) => {
                check_files(files, "origin.one-of", found);
                for (i, _) in files.iter().enumerate().filter(|(_, file)| file.unpack.is_some()) {
                    found.wrong(format!("origin.one-of[{i}].unpack"), "nothing: alternatives are single files");
                }
            }
            Origin::Composed(parts) => {
                found.unless(!parts.is_empty(), "origin.composed", "at least one part");
                for (i, part) in parts.iter().enumerate() {
                    let place = format!("origin.composed[{i}]");
                    found.unless(is_name(&part.manifest), &format!("{place}.manifest"), "the name of a manifest");
                    let known = self.classes.contains(&part.class);
                    found.unless(known, &format!("{place}.class"), "one of this manifest's classes");
                }
            }
        }
    }

    fn check_layout(&self, found: &mut Found) {
        if let Layout::ClassFolders(folder) = &self.layout {
            found.unless(is_path(folder), "layout.class-folders", PATH);
        }
        let fits = match self.origin {
            Origin::BuiltIn => self.layout == Layout::Drawn,
            Origin::Composed(_) => self.layout == Layout::Parts,
            Origin::OneOf(_) => self.layout == Layout::Weights,
            Origin::Local(_) | Origin::Download(_) => !matches!(self.layout, Layout::Drawn | Layout::Parts),
        };
        let expected = "`drawn` for `built-in`, `parts` for `composed`, `weights` for `one-of`, another for the rest";
        found.unless(fits, "layout", expected);
        let counted = !self.expect.is_empty() || !matches!(self.origin, Origin::Local(_) | Origin::Download(_));
        found.unless(counted, "expect", "at least one entry that identifies a complete folder");
    }

    fn check_lists(&self, found: &mut Found) {
        let names: BTreeSet<&String> = self.classes.iter().collect();
        let named = names.len() == self.classes.len() && !names.iter().any(|name| name.is_empty());
        found.unless(named, "classes", "names, each once");
        for (i, split) in self.splits.iter().enumerate() {
            found.unless(is_name(&split.name), &format!("splits[{i}].name"), "letters, digits, `-` and `_`");
            let at = split.at.as_deref().is_none_or(is_path);
            found.unless(at, &format!("splits[{i}].at"), PATH);
        }
        for (list, things) in [("expect", &self.expect), ("accept", &self.accept)] {
            for (i, expected) in things.iter().enumerate() {
                let (kind, field) = match expected {
                    Expected::Files { .. } => ("files", "below"),
                    Expected::File { .. } => ("file", "path"),
                };
                found.unless(is_path(expected.path()), &format!("{list}[{i}].{kind}.{field}"), PATH);
            }
        }
    }
}

const PATH: &str = "a plain relative path, with `/` between its parts";

fn check_files(files: &[RemoteFile], place: &str, found: &mut Found) {
    found.unless(!files.is_empty(), place, "at least one file");
    let mut names = BTreeSet::new();
    for (i, file) in files.iter().enumerate() {
        let at = |field: &str| format!("{place}[{i}].{field}");
        let plain = is_path(&file.file) && !file.file.contains('/');
        found.unless(plain && names.insert(&file.file), &at("file"), "a plain file name, each once");
        found.unless(!file.from.is_empty(), &at("from"), "at least one `url` or `hub`");
        found.unless(file.size != Some(0), &at("size"), "at least 1 byte, or nothing if it is not known");
        let given = file.sha256.is_some() || file.md5.is_some();
        found.unless(given, &at("sha256"), "a SHA-256, or `unverified` if none is known");
        let digest = |text: &str| text == UNVERIFIED || ((8..=64).contains(&text.len()) && is_hex(text));
        let expected = "a SHA-256, or at least its first 8 digits, in lower case; or `unverified`";
        found.unless(file.sha256.as_deref().is_none_or(digest), &at("sha256"), expected);
        let md5 = file.md5.as_deref().is_none_or(|text| text.len() == 32 && is_hex(text));
        found.unless(md5, &at("md5"), "32 hexadecimal digits in lower case");
        for (j, source) in file.from.iter().enumerate() {
            check_source(source, file.full_sha256().is_some(), &format!("{place}[{i}].from[{j}]"), found);
        }
    }
}

fn check_source(source: &Source, pinned: bool, place: &str, found: &mut Found) {
    match source {
        Source::Url(url) => {
            let expected = "an address that begins with https://, without a user name; http:// only if the whole \
                            SHA-256 is known, because others can change the file on its way";
            found.unless(is_url(url, pinned), &format!("{place}.url"), expected);
        }
        Source::Hub(HubFile { repository, revision, file, .. }) => {
            let named = is_path(repository) && repository.matches('/').count() == 1;
            found.unless(named, &format!("{place}.hub.repository"), "owner/name");
            let commit = revision.len() == 40 && is_hex(revision);
            found.unless(commit, &format!("{place}.hub.revision"), "a commit: 40 hexadecimal digits in lower case");
            found.unless(is_path(file), &format!("{place}.hub.file"), "a path in the repository");
        }
    }
}

/// The problems so far.
#[derive(Default)]
struct Found(Vec<(String, String)>);

impl Found {
    fn wrong(&mut self, field: impl Into<String>, expected: &str) {
        self.0.push((field.into(), expected.to_owned()));
    }

    fn unless(&mut self, good: bool, field: &str, expected: &str) {
        if !good {
            self.wrong(field, expected);
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Returns true for a relative path that stays below its folder on every system.
fn is_path(text: &str) -> bool {
    let part =
        |part: &str| !["", ".", ".."].contains(&part) && !part.contains(['\\', ':', '\0']) && !part.starts_with('.');
    text.len() <= 500 && text.split('/').all(part)
}

/// Returns true for an address without user name; without TLS only if `plain`, or if the server is this machine.
fn is_url(text: &str, plain: bool) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let scheme = match url.scheme() {
        "https" => true,
        "http" => plain || here,
        _ => false,
    };
    scheme && url.host_str().is_some() && url.username().is_empty() && url.password().is_none()
}
