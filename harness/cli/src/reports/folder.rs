//! The folders of reports: `reports/<profile>/<study>`, and `reports/<profile>/<study>+<what was set>` for a study that
//! was run with changed settings.

use crate::failure::{Failure, Outcome};
use harness_record::digest;
use harness_study::spec::layers::{PROFILES, is_plain};
use std::path::{Path, PathBuf};

/// What stands between the study and the settings in the name of a report. No study has it in its name.
pub(crate) const MARK: char = '+';
/// The longest text of settings in a name, in bytes.
const LONGEST: usize = 60;
/// The number of digits of a digest in a name.
const DIGITS: usize = 8;

/// A report that has data.
pub(crate) struct ReportFolder {
    pub(crate) profile: String,
    /// The name of the report's folder: the study, and what was set if its settings were changed.
    pub(crate) name: String,
    /// The study that was run.
    pub(crate) study: String,
    pub(crate) folder: PathBuf,
}

impl ReportFolder {
    /// The report of this name in the folder of reports.
    pub(crate) fn new(reports: &Path, profile: &str, name: &str) -> Self {
        let study = name.split_once(MARK).map_or(name, |(study, _)| study);
        Self {
            profile: profile.to_owned(),
            name: name.to_owned(),
            study: study.to_owned(),
            folder: reports.join(profile).join(name),
        }
    }

    /// Returns true if the report is of a study that was run with changed settings.
    pub(crate) fn is_modified(&self) -> bool {
        self.name != self.study
    }
}

/// All reports that have data, sorted by profile and name.
pub(crate) fn places(reports: &Path) -> Vec<ReportFolder> {
    let mut places = Vec::new();
    for profile in PROFILES {
        let Ok(entries) = std::fs::read_dir(reports.join(profile)) else { continue };
        for entry in entries.flatten() {
            if let Ok(name) = entry.file_name().into_string()
                && entry.path().join("data").is_dir()
            {
                places.push(ReportFolder::new(reports, profile, &name));
            }
        }
    }
    places.sort_by(|a, b| a.folder.cmp(&b.folder));
    places
}

/// The name of the report of a study that is run with these changes from the command line.
///
/// Capitals become small letters, what a file system or a shell may refuse becomes a dash, and a long text is cut. Then
/// a digest of all changes follows, so that different changes never share a folder.
pub(crate) fn name_of(study: &str, overrides: &[String]) -> Outcome<String> {
    if overrides.is_empty() {
        return Ok(study.to_owned());
    }
    let mut text = String::new();
    for one in overrides {
        if !text.is_empty() {
            text.push(',');
        }
        for letter in one.chars().map(|letter| letter.to_ascii_lowercase()) {
            match letter {
                'a'..='z' | '0'..='9' | '.' | '_' | '=' | '-' => text.push(letter),
                // One dash stands for several letters; after another mark there is none.
                _ if text.ends_with(['-', '=', ',']) => {}
                _ => text.push('-'),
            }
        }
    }
    // Some file systems drop a dot at the end of a name.
    let is_exact = text == overrides.join(",") && text.len() <= LONGEST && !text.ends_with('.');
    if is_exact && !ends_like_a_digest(&text) {
        return Ok(format!("{study}{MARK}{text}"));
    }
    let digest = digest::of_settings(&overrides).map_err(Failure::run)?;
    text.truncate(LONGEST);
    let text = text.trim_end_matches(['-', '=', ',', '.']);
    Ok(format!("{study}{MARK}{text}-{}", &digest[..DIGITS]))
}

/// Returns true if a text ends like the names that have a digest.
fn ends_like_a_digest(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.rsplit_once('-').is_some_and(|(_, end)| end.len() == DIGITS && end.bytes().all(is_digit))
}

/// Returns true if a text has the form of a report's name. It is a plain folder name then, without separators.
pub(crate) fn is_name(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._=-,".contains(c);
    let (study, set) = text.split_once(MARK).map_or((text, None), |(study, set)| (study, Some(set)));
    is_plain(study) && set.is_none_or(|set| !set.is_empty() && set.chars().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(overrides: &[&str]) -> String {
        let name = name_of("blurring", &overrides.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()).unwrap();
        assert!(is_name(&name) && name.len() <= "blurring+".len() + LONGEST + 1 + DIGITS, "{name}");
        let place = ReportFolder::new(Path::new("reports"), "demo", &name);
        assert_eq!((place.study.as_str(), place.is_modified()), ("blurring", !overrides.is_empty()));
        name
    }

    /// The name must be this text and a digest.
    #[track_caller]
    fn marked(overrides: &[&str], text: &str) {
        let name = name(overrides);
        let (start, digest) = name.rsplit_once('-').unwrap();
        assert!(start == text && digest.len() == DIGITS, "{name}");
    }

    #[test]
    fn plain_settings_are_written_as_they_are() {
        assert_eq!(name(&[]), "blurring");
        assert_eq!(name(&["finetuning.epochs=1"]), "blurring+finetuning.epochs=1");
        assert_eq!(name(&["seed_x=-1.5e-3", "a.b=c"]), "blurring+seed_x=-1.5e-3,a.b=c");
        assert_ne!(name(&["a=1", "b=2"]), name(&["b=2", "a=1"]));
    }

    #[test]
    fn other_letters_become_dashes_and_a_digest_follows() {
        marked(&["seeds=[0, 1, 2]"], "blurring+seeds=0-1-2");
        marked(&["protocols=[corrected]", "finetuning.epochs=3"], "blurring+protocols=corrected-,finetuning.epochs=3");
        marked(&["title='Two \"words\"'"], "blurring+title=two-words");
        marked(&["arms[0].label=x"], "blurring+arms-0-.label=x");
        marked(&["folder=../../etc/passwd\\x"], "blurring+folder=..-..-etc-passwd-x");
        marked(&["a=.."], "blurring+a");
        marked(&["a=\u{e9}\n\0"], "blurring+a");
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = format!("model.vqvae.width={}", "1".repeat(100));
        marked(&[&long], &format!("blurring+{}", &long[..LONGEST]));
        assert_eq!(name(&[&long[..LONGEST]]), format!("blurring+{}", &long[..LONGEST]));
        marked(&[&"x".repeat(LONGEST), "a=1"], &format!("blurring+{}", "x".repeat(LONGEST)));
    }

    #[test]
    fn lists_that_look_alike_have_names_of_their_own() {
        let digested = name(&["a=[1]"]);
        let taken = digested.strip_prefix("blurring+").unwrap();
        let lists: [&[&str]; 13] = [
            &["a=1", "b=2"],
            &["a=1,b=2"],
            &["a=1;b=2"],
            &["a=1-b=2"],
            &["a=[1]"],
            &["a=(1)"],
            &["a= 1"],
            &["a=1"],
            &["a=1."],
            &["a=A"],
            &["a=a"],
            &["a=1", ""],
            &[taken],
        ];
        let names: std::collections::BTreeSet<String> = lists.iter().map(|list| name(list).to_lowercase()).collect();
        assert_eq!(names.len(), lists.len(), "{names:?}");
    }

    #[test]
    fn a_name_is_the_name_of_one_folder() {
        for text in ["blurring", "ssl-vs-sl", "blurring+a=1,b.c=2", "blurring+folder=..-..-etc-0123abcd"] {
            assert!(is_name(text), "{text}");
        }
        for text in ["", "..", "../x", "+a=1", "blurring+", "blurring+../x", "blurring+a=1/..", "blurring+a+b", "a b"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
