//! The required contents of a data set's folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};
use walkdir::WalkDir;

/// A required part of a data set's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expected {
    /// A folder with a number of files below it.
    Files {
        /// The folder.
        below: String,
        /// Ending of their names, without the dot and in lower case.
        ending: String,
        /// The least number of files.
        least: u64,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Its size in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
}

impl Expected {
    /// The path that it describes.
    pub fn path(&self) -> &str {
        match self {
            Self::Files { below, .. } => below,
            Self::File { path, .. } => path,
        }
    }

    /// The amount that it requires. If a folder meets the expectations of several manifests, the one that requires most
    /// is chosen.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Files { least, .. } => *least,
            Self::File { .. } => 1,
        }
    }

    /// The requirement in words: `images/ with at least 7349 files .jpg`.
    pub fn words(&self) -> String {
        match self {
            Self::Files { below, ending, least } => format!("{below}/ with at least {least} files .{ending}"),
            Self::File { path, bytes: Some(bytes) } => format!("{path} of {bytes} bytes"),
            Self::File { path, bytes: None } => path.clone(),
        }
    }

    /// The part that is missing in `folder`, if any.
    pub fn lacks(&self, folder: &Path) -> Option<String> {
        match self {
            Self::Files { below, ending, least } => {
                let found = count(&folder.join(below), ending);
                (found < *least).then(|| format!("{below}/ has {found} of at least {least} files .{ending}"))
            }
            Self::File { path, bytes } => match (fs::metadata(folder.join(path)), bytes) {
                (Ok(about), None) if about.is_file() => None,
                (Ok(about), Some(bytes)) if about.is_file() => {
                    (about.len() != *bytes).then(|| format!("{path} has {} bytes, expected {bytes}", about.len()))
                }
                _ => Some(format!("{path} is missing")),
            },
        }
    }
}

/// Number of files with this ending, at any depth. Files whose names begin with a dot do not count.
fn count(folder: &Path, ending: &str) -> u64 {
    let entries = WalkDir::new(folder).follow_root_links(true).into_iter();
    let visible =
        entries.filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'));
    let fits = |name: &Path| name.extension().is_some_and(|x| x.to_string_lossy().to_lowercase() == ending);
    // Files that cannot be listed do not exist for the reader of the data either.
    visible.flatten().filter(|entry| entry.file_type().is_file() && fits(Path::new(entry.file_name()))).count() as u64
}
