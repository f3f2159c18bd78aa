//! Reads template files by name, only inside their folder and only up to fixed limits.

use crate::error::ReportError;
use harness_record::files;
use minijinja::{Error, ErrorKind};
use std::path::Path;

/// The size limit of a template, in bytes. The templates of this repository are less than a hundredth of it.
const LIMIT: u64 = 1 << 20;
/// The maximum depth of folders that are searched for templates.
const DEPTH: usize = 8;
/// The maximum number of templates that are listed.
const MOST: usize = 1000;
/// The file name ending of a Markdown template.
pub(super) const ENDING: &str = ".md.j2";

/// Returns true if a template's name stays inside its folder.
pub(super) fn is_plain(name: &str) -> bool {
    let part = |p: &str| !p.is_empty() && !p.starts_with('.') && !p.contains(['\\', ':']);
    name.split('/').all(part)
}

/// Returns the text of a template, or `None` if there is no such file.
fn text(folder: &Path, name: &str) -> Result<Option<String>, ReportError> {
    let path = folder.join(name);
    if !is_plain(name) || !path.exists() {
        return Ok(None);
    }
    let bytes = files::read(&path, LIMIT)?;
    let utf8 = String::from_utf8(bytes).map_err(|error| {
        let whole = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = Some(1 + whole.split(|byte| *byte == b'\n').skip(1).count());
        ReportError::Template { path, line, message: "the template is not UTF-8 text; save it as UTF-8".to_owned() }
    });
    utf8.map(Some)
}

/// The same as [`text`], for minijinja.
pub(super) fn load(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    text(folder, name)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, "cannot read the template").with_source(error))
}

/// Returns the names of all Markdown templates in a folder and the folders below it, sorted.
///
/// # Errors
/// Fails if a folder cannot be listed.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ReportError> {
    let mut names = Vec::new();
    list(folder, "", DEPTH, &mut names)?;
    names.sort();
    Ok(names)
}

fn list(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<(), ReportError> {
    for entry in std::fs::read_dir(folder).map_err(ReportError::io("list", folder))? {
        let entry = entry.map_err(ReportError::io("list", folder))?;
        // A link to a folder does not count as a folder, so that a cycle of links is not followed.
        let is_folder = entry.file_type().map_err(ReportError::io("list", entry.path()))?.is_dir();
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{prefix}{name}");
        if !is_plain(&name) {
            continue;
        }
        if is_folder && depth > 0 {
            list(&entry.path(), &format!("{name}/"), depth - 1, names)?;
        } else if !is_folder && name.ends_with(ENDING) {
            names.push(name);
        }
        if names.len() > MOST {
            let message =
                format!("more than {MOST} templates in this folder; move those that no study uses to another folder");
            return Err(ReportError::Template { path: folder.to_owned(), line: None, message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_record::RecordError;

    #[test]
    fn names_stay_in_the_folder() {
        assert!(is_plain("blurring.md.j2") && is_plain("partials/words.md.j2"));
        for name in ["../a.md.j2", "/a.md.j2", "a//b.md.j2", "partials/.hidden.md.j2", "c:a.md.j2", "a\\b.md.j2"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn templates_are_listed_with_those_of_folders_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("b.md.j2", b"b");
        write("partials/a.md.j2", b"a");
        write("page.html.j2", b"no prose");
        write(".hidden/a.md.j2", b"a");
        assert_eq!(names(folder.path()).unwrap(), ["b.md.j2", "partials/a.md.j2"]);
        assert_eq!(text(folder.path(), "b.md.j2").unwrap().as_deref(), Some("b"));
        assert_eq!(text(folder.path(), "c.md.j2").unwrap(), None);
        write("long.md.j2", &vec![b'x'; LIMIT as usize + 1]);
        assert!(matches!(text(folder.path(), "long.md.j2"), Err(ReportError::Record(RecordError::TooLarge { .. }))));
        write("latin.md.j2", b"one\ntwo \xe9");
        let message = text(folder.path(), "latin.md.j2").unwrap_err().to_string();
        assert!(message.ends_with("latin.md.j2:2: the template is not UTF-8 text; save it as UTF-8"), "{message}");
    }
}
