//! `validate --prose`: figures that are typed in the text of templates, where each must be computed.

use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
};
use harness_record::suggest::closest;
use harness_report::{ReportError, prose};
use harness_study::spec::{diagnosis::Diagnosis, layers, locate::Span};
use std::path::Path;

/// Folder of the templates, below the root.
const FOLDER: &str = "templates";

/// Adds what is wrong with the named templates, or with all if none is named, and says how many there were.
pub(super) fn check(names: &[String], folders: &Folders, problems: &mut Vec<Diagnosis>) -> Outcome<usize> {
    let folder = folders.root.join(FOLDER);
    let all = prose::templates(&folder).map_err(Failure::run)?;
    let mut wanted = if names.is_empty() { all.clone() } else { Vec::new() };
    for name in names {
        match named(name, &folder, &all, folders)? {
            Some(templates) => wanted.extend(templates),
            None => problems.push(unknown(name, &all, folders)?),
        }
    }
    wanted.sort();
    wanted.dedup();
    for name in &wanted {
        let file = folder.join(name).display().to_string();
        match prose::check(&folder, name) {
            Ok(findings) => problems.extend(findings.into_iter().map(|finding| diagnosis(&file, finding))),
            Err(error) => problems.push(of_error(&file, error)),
        }
    }
    Ok(wanted.len())
}

/// The templates that a name means: a study's with all that it includes, or one file of the folder. `None` if there is neither.
fn named(name: &str, folder: &Path, all: &[String], folders: &Folders) -> Outcome<Option<Vec<String>>> {
    let file = Path::new(name).strip_prefix(folder).or_else(|_| Path::new(name).strip_prefix(FOLDER));
    let file = file.ok().and_then(Path::to_str).unwrap_or(name);
    if all.iter().any(|template| template == file) {
        return Ok(Some(vec![file.to_owned()]));
    }
    let own = format!("{name}.md.j2");
    if studies(folders)?.iter().any(|study| study == name) || all.contains(&own) {
        return prose::templates_of(folder, name).map(Some).map_err(Failure::run);
    }
    Ok(None)
}

fn studies(folders: &Folders) -> Outcome<Vec<String>> {
    layers::names(&folders.root).map_err(Failure::run)
}

fn unknown(name: &str, all: &[String], folders: &Folders) -> Outcome<Diagnosis> {
    let suggestion = closest(name, studies(folders)?.iter().chain(all));
    let message = format!("no study and no template is called `{name}`");
    let help = "name a study, or a template as it is called in the folder, such as `partials/results.md.j2`";
    Ok(Diagnosis { suggestion, ..Diagnosis::of_file(FOLDER, message).help(help) })
}

fn diagnosis(file: &str, finding: prose::Finding) -> Diagnosis {
    Diagnosis {
        span: Some(Span { line: finding.line, column: finding.column, width: finding.width }),
        source_line: Some(finding.source_line),
        ..Diagnosis::of_file(file, finding.message).help(finding.help)
    }
}

fn of_error(file: &str, error: ReportError) -> Diagnosis {
    match error {
        ReportError::Template { line, message, .. } => {
            Diagnosis { span: line.map(|line| Span { line, column: 1, width: 1 }), ..Diagnosis::of_file(file, message) }
        }
        other => Diagnosis::of_file(file, other.to_string()),
    }
}
