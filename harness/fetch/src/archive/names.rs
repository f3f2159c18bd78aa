//! Checks which names may be written.

use super::Refusal;
use std::collections::{HashMap, hash_map::Entry};
use unicode_normalization::UnicodeNormalization as _;

/// The largest number of folders above a member.
const DEPTH: usize = 16;

/// The largest number of bytes of names that are remembered.
const REMEMBERED: usize = 256 << 20;

/// Splits a member's name into parts, if they lead to a place below the target folder on every system.
pub(super) fn parts(name: &str, limit: usize) -> Result<Vec<&str>, Refusal> {
    if name.len() > limit {
        return Err(Refusal::LongName(limit));
    }
    if name.starts_with(['/', '\\']) {
        return Err(Refusal::Escapes("an absolute path"));
    }
    if name.contains(':') {
        return Err(Refusal::Escapes("a colon, which begins another drive or stream on Windows"));
    }
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Err(Refusal::Escapes("`..`"));
    }
    if name.contains('\\') {
        return Err(Refusal::Name("a backslash, which separates folders on some systems"));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.len() > DEPTH {
        return Err(Refusal::Name("it is more than 16 folders deep"));
    }
    parts.iter().try_for_each(|part| plain(part))?;
    Ok(parts)
}

fn plain(part: &str) -> Result<(), Refusal> {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    if part.chars().any(|c| c.is_control() || "<>\"|?*".contains(c)) {
        return Err(Refusal::Name("a character that Windows does not allow"));
    }
    if part.ends_with(['.', ' ']) {
        return Err(Refusal::Name("a dot or space at its end, which Windows drops"));
    }
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let port = |kind: &str| matches!(stem.strip_prefix(kind).map(str::as_bytes), Some([b'1'..=b'9']));
    if DEVICES.contains(&stem.as_str()) || port("com") || port("lpt") {
        return Err(Refusal::Name("a device's name on Windows"));
    }
    Ok(())
}

/// Everything written so far, as seen by a file system that ignores case and spellings of accents.
#[derive(Default)]
pub(super) struct Written {
    by_fold: HashMap<String, (String, Kind)>,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

impl Written {
    /// Records a member and the folders above it.
    pub(super) fn add(&mut self, parts: &[&str], kind: Kind) -> Result<(), Refusal> {
        for length in 1..=parts.len() {
            let name = parts[..length].join("/");
            let kind = if length < parts.len() { Kind::Folder } else { kind };
            self.bytes += 2 * name.len();
            match self.by_fold.entry(fold(&name)) {
                Entry::Vacant(vacant) => {
                    vacant.insert((name, kind));
                }
                Entry::Occupied(there) => {
                    self.bytes -= 2 * name.len();
                    let (other, other_kind) = there.get();
                    if *other != name {
                        return Err(Refusal::SameButForCase(other.clone()));
                    }
                    if (kind, *other_kind) != (Kind::Folder, Kind::Folder) {
                        return Err(Refusal::Twice);
                    }
                }
            }
            if self.bytes > REMEMBERED {
                return Err(Refusal::Names(REMEMBERED));
            }
        }
        Ok(())
    }
}

/// Maps names to the same text if APFS, NTFS or exFAT could treat them as equal.
fn fold(name: &str) -> String {
    name.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "../x",
            "a/../../x",
            "a/..",
            "..",
            "/x",
            "\\x",
            "\\\\server\\share",
            "C:x",
            "C:\\x",
            "c:/x",
            "a\\..\\x",
            "a/b:c",
        ] {
            assert!(matches!(parts(name, 99), Err(Refusal::Escapes(_))), "{name}");
        }
        for name in ["a\\b", "a\nb", "a\0", "nul", "a/CON.txt", "com1.jpg", "a./b", "a ", "what?", &"d/".repeat(17)] {
            assert!(matches!(parts(name, 99), Err(Refusal::Name(_))), "{name}");
        }
        assert_eq!(parts("abcdef", 5), Err(Refusal::LongName(5)));
        let usual = "./Images//n02085620-Chihuahua/readme[1] (2) com10 ..a.jpg";
        assert_eq!(parts(usual, 99).unwrap(), ["Images", "n02085620-Chihuahua", "readme[1] (2) com10 ..a.jpg"]);
    }

    #[test]
    fn names_that_some_file_system_takes_for_one_are_refused() {
        let add = |names: &[(&str, Kind)]| {
            let mut written = Written::default();
            names.iter().try_for_each(|(name, kind)| written.add(&parts(name, 99)?, *kind))
        };
        let (file, folder) = (Kind::File, Kind::Folder);
        assert_eq!(add(&[("Cat/1.jpg", file), ("Cat", folder), ("Cat/2.jpg", file), ("Dog/1.jpg", file)]), Ok(()));
        for (first, second) in [("a/b", "a/B"), ("A/x", "a/y"), ("\u{e9}", "e\u{301}"), ("stra\u{df}e", "STRASSE")] {
            assert!(
                matches!(add(&[(first, file), (second, file)]), Err(Refusal::SameButForCase(_))),
                "{first} {second}"
            );
        }
        for names in [[("a", file), ("a", file)], [("a", file), ("a/b", file)], [("a/b", file), ("a", file)]] {
            assert_eq!(add(&names), Err(Refusal::Twice));
        }
    }
}
