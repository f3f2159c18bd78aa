//! What a data set's folder must hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};
use walkdir::WalkDir;

/// Something that a data set's folder must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expected {
    /// A folder with so many files below it.
    Files {
        /// The folder.
        below: String,
        /// How their names end, without the dot and in lower case.
        ending: String,
        /// At least so many.
        least: u64,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Its size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
}

impl Expected {
    /// The path it is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Files { below, .. } => below,
            Self::File { path, .. } => path,
        }
    }

    /// How much it asks: of several manifests whose expectations a folder meets, the one that asks most is meant.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Files { least, .. } => *least,
            Self::File { .. } => 1,
        }
    }

    /// In words: `images/ with at least 7349 files .jpg`.
    pub fn words(&self) -> String {
        match self {
            Self::Files { below, ending, least } => format!("{below}/ with at least {least} files .{ending}"),
            Self::File { path, bytes: Some(bytes) } => format!("{path} of {bytes} bytes"),
            Self::File { path, bytes: None } => path.clone(),
        }
    }

    /// What is lacking in `folder`, if something is.
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
                _ => Some(format!("{path} is not there")),
            },
        }
    }
}

/// Files whose names end so, at any depth. Names that begin with a dot are no data.
fn count(folder: &Path, ending: &str) -> u64 {
    let entries = WalkDir::new(folder).follow_root_links(true).into_iter();
    let visible =
        entries.filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'));
    let fits = |name: &Path| name.extension().is_some_and(|x| x.to_string_lossy().to_lowercase() == ending);
    // What cannot be listed is not there for the reader of the data either.
    visible.flatten().filter(|entry| entry.file_type().is_file() && fits(Path::new(entry.file_name()))).count() as u64
}
