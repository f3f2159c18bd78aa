//! Writes the text that explains the files of a supplement, and how to check and repeat it.

use crate::{
    failure::{Failure, Outcome},
    reports::folder::ReportFolder,
};
use harness_record::{files, run::Checkout};
use harness_report::inputs::{StudyInput, file};
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeSet;

/// Size limit for reading one file, in bytes.
const LIMIT: u64 = 64 << 20;

const WHAT: &str = "\
CONTENTS

reports/<profile>/<study>/    a report: index.html for a browser (no network needed), report.md the same as
                              Markdown, runs.html, data.html, charts/, gallery/, tables/
  data/                       study.json (what was asked), places.csv (which run is which arm's), published.csv
                              (printed figures and verdicts), spec.yaml (all settings, resolved)
reports/<profile>/<study>+<changes>/
                              the report of a study that was run with changed settings
reports/<profile>/runs/<key>/ a run: run.json (all that decides its numbers), metrics.csv (every epoch),
                              per_image.csv (every test image), confusion.csv, calibration.csv
reports/<profile>/provenance.json
                              with which program each run was made
reports/index.html            the reports without changed settings; style.css and tables.js belong to all pages
studies/                      the studies' specs as written, and the bases that they extend
templates/                    the text of the reports and of their pages
data-manifests/               sources, digests, licences and citations of the data sets, and the printed figures
Cargo.lock                    the versions of all libraries of the program that rendered these reports
SHA256SUMS                    a digest of each of these files

No data set and no weights are here; some pictures of the test images are in gallery/.
";

/// The text for `places`. `hosts` says how their runs were made.
pub(super) fn text<'a>(places: &[ReportFolder], hosts: impl Iterator<Item = &'a Value>) -> Outcome<String> {
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = vec![
        "SUPPLEMENT".to_owned(),
        String::new(),
        format!("Reports of studies that were run and rendered with harness {version}."),
        String::new(),
    ];
    let (mut datasets, mut commits, mut commands) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for place in places {
        let study = read(place)?;
        lines.push(format!("{}/{}", place.profile, place.name));
        lines.extend([&study.title, &study.question].map(|text| format!("  {}", line(text))));
        lines.push(String::new());
        commands.push(line(&study.command));
        for set in &study.datasets {
            let [dataset, licence, citation] = [&set.dataset, &set.licence, &set.citation].map(|text| line(text));
            datasets.insert(format!("{dataset}\n    licence: {licence}\n    cite: {citation}"));
        }
    }
    for host in hosts {
        let [program, specs] = [&host["program"], host].map(|checkout| {
            let checkout = Checkout::deserialize(checkout).unwrap_or_default();
            line(&checkout.in_words(usize::MAX))
        });
        let version = host["harness"].as_str().unwrap_or("unknown");
        commits.insert(format!("harness {} ({program}), specs ({specs})", line(version)));
    }
    let indented =
        |items: &mut dyn Iterator<Item = &String>| items.fold(String::new(), |text, item| text + "  " + item + "\n");
    lines.push(WHAT.to_owned());
    lines.push(format!("DATA\n\n{}", indented(&mut datasets.iter())));
    lines.push(format!(
        "TO CHECK\n\nCheck in this folder that no file was changed:\n\n  sha256sum -c SHA256SUMS\n\nCheck with harness \
         {version} that every figure, table and chart follows from data/ and runs/\n(this needs no data set, no store \
         of runs and no GPU):\n\n  harness report --check\n"
    ));
    lines.push(format!(
        "TO REPEAT\n\nRun the studies again. Missing data are fetched, or the program says which files to put \
         where:\n\n{}\nOn the CPU the same version gives the same figures. The runs were made with\n\n{}",
        indented(&mut commands.iter()),
        indented(&mut commits.iter())
    ));
    Ok(lines.join("\n"))
}

/// Puts the text on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(|c: char| c.is_control(), "")
}

fn read(place: &ReportFolder) -> Outcome<StudyInput> {
    let path = place.folder.join("data").join(file::STUDY);
    let bytes = files::read(&path, LIMIT)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::data(format!("{}: {error}", path.display())))
}
