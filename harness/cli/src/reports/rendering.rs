//! Renders reports from their data, or lists what would change.

use super::{
    folder::ReportFolder,
    freshness::{Current, Freshness, changed, freshness, other_figures, printed_in},
};
use crate::{
    cli::Folders,
    collect,
    failure::{Failure, Outcome},
    stamp, words,
};
use harness_record::{files, files::Lock, store::Store};
use harness_report::{
    ReportError,
    inputs::{Fidelity, file},
};
use std::path::Path;

/// Renders a report from its data, with the words of today's spec.
pub(crate) fn make(place: &ReportFolder, folders: &Folders, renew: bool) -> Outcome {
    let store = Store::new(&folders.store);
    let lock = stamp::lock_file(&store, &place.folder);
    let Some(_lock) = Lock::try_take(&lock)? else {
        let text = format!("study {} ({}) is running and writes this report; try again", place.name, place.profile);
        return Err(Failure::Locked(text));
    };
    let (freshness, changed) = (freshness(place, folders)?, changed(place)?);
    match &freshness {
        Freshness::Current(current) => take_over(place, current, renew)?,
        Freshness::Stale => warn(&format!(
            "warning: {}: studies/{}.yaml has changed since these data were made; run `{}` to make them again",
            place.folder.display(),
            place.study,
            words::command(&place.study, &place.profile, &changed)
        )),
        Freshness::Unknown(why) => warn(&format!("warning: {}: {why}", place.folder.display())),
    }
    render(&place.folder, &folders.root.join("templates"), freshness.fidelity(), &changed)
}

/// Writes the words of today's spec into the data and, with `renew`, the verdicts on the printed figures. Without
/// `renew`, fails if the data hold other printed figures than today's.
fn take_over(place: &ReportFolder, current: &Current, renew: bool) -> Outcome {
    let data = place.folder.join("data");
    let study = data.join(file::STUDY);
    // An up-to-date file is not touched, because `--serve` watches it.
    if files::read(&study, 64 << 20)? != current.study {
        files::write(&study, &current.study)?;
    }
    if renew {
        return collect::write_published(&current.printed, &data, current.fidelity);
    }
    if printed_in(&data)? == current.printed { Ok(()) } else { Err(Failure::Check(other_figures(place))) }
}

/// Renders a report, which names the settings in `changed`, and writes its files that differ.
pub(crate) fn render(report: &Path, templates: &Path, fidelity: Fidelity, changed: &[String]) -> Outcome {
    let files = harness_report::render(&report.join("data"), templates, fidelity, changed)?;
    harness_report::write(report, &files)?;
    Ok(())
}

/// Lists what would change in a report, one line per file.
pub(crate) fn check(place: &ReportFolder, folders: &Folders, templates: &Path) -> Outcome<Vec<String>> {
    let mut lines = Vec::new();
    let shown = |path: &Path| place.folder.join(path).display().to_string();
    let freshness = freshness(place, folders)?;
    match &freshness {
        Freshness::Current(current) => {
            let path = Path::new("data").join(file::STUDY);
            if files::read(&place.folder.join(&path), 64 << 20)? != current.study {
                lines.push(format!("{}: edited, or the words of the spec changed", shown(&path)));
            }
            if printed_in(&place.folder.join("data"))? != current.printed {
                lines.push(other_figures(place));
            }
        }
        Freshness::Stale => lines.push(format!(
            "{}: stale: the data do not match studies/{}.yaml",
            shown(&Path::new("data").join(file::SPEC)),
            place.study
        )),
        Freshness::Unknown(why) => lines.push(format!("{}: {why}", shown(&Path::new("data").join(file::SPEC)))),
    }
    match harness_report::check(&place.folder, templates, freshness.fidelity(), &changed(place)?) {
        Ok(differences) => {
            lines.extend(differences.iter().map(|found| format!("{}: {}", shown(&found.path), found.what)));
            Ok(lines)
        }
        Err(edited @ ReportError::Published { .. }) => {
            lines.push(edited.to_string());
            Ok(lines)
        }
        Err(other) => Err(other.into()),
    }
}

fn warn(line: &str) {
    // If stderr is closed, there is nobody to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}
