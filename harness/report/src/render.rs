//! Renders all files of a report from its data folder, in memory.

use crate::{
    charts::ChartSpec,
    error::ReportError,
    figures::{data::Data, published::check_recorded, tested::test_claims},
    inputs::{
        file,
        lines::json,
        study::{Fidelity, StudyInput},
    },
    output::{Change, Difference, RenderedFile, differences, strays},
    pages::{data, index, latex, runs},
    pictures::gallery::sheets,
    template::{self, facts::Facts},
};
use rayon::prelude::*;
use std::path::Path;

/// Renders all files of a report from the data folder `data_dir` with the templates in the folder `templates`.
/// `fidelity` follows from the study's spec and overrides what the folder says: a sample whose files were edited stays a
/// sample. `changed` lists the settings that were changed on the command line; the report names them at its top.
///
/// The files are sorted by path: `charts/*.svg`, `data.html`, `gallery/*.jpg`, `index.html`, `report.md`, `runs.html`,
/// `tables/*.tex`.
///
/// # Errors
/// Fails if a file of the data or of a run is missing, is damaged, or names something that the study does not have; if
/// a recorded verdict on a printed figure does not follow from the data; or if a template is missing or asks for
/// something that does not exist. Every error carries the path.
pub fn render(
    data_dir: &Path,
    templates: &Path,
    fidelity: Fidelity,
    changed: &[String],
) -> Result<Vec<RenderedFile>, ReportError> {
    let data = Data::read(data_dir, fidelity)?;
    data.summarise_tested();
    check_recorded(&data)?;
    let asked = asked_charts(data_dir)?;
    let charts: Vec<_> = asked.par_iter().map(|chart| chart.draw(&data)).collect::<Result<_, _>>()?;
    let sheets = sheets(&data)?;
    let claims = test_claims(&data);
    let facts = Facts { data, changed: changed.to_vec(), claims, asked, charts, sheets };
    let (report, facts) = template::render::render(facts, templates)?;
    let (page, listed) = index::render(&facts.data, &facts.charts, &report, templates)?;

    let mut files = latex::files(&facts.data, &facts.claims);
    files.push(runs::page(&facts.data, &listed, templates)?);
    files.extend(data::files(&facts.data, templates)?);
    files.extend([
        RenderedFile::new("index.html", page.into_bytes()),
        RenderedFile::new("report.md", report.into_bytes()),
    ]);
    for chart in facts.charts {
        let svg = chart.svg.file(&chart.name).into_bytes();
        files.push(RenderedFile::new(format!("charts/{}.svg", chart.name), svg));
    }
    files.extend(facts.sheets.into_iter().map(|s| RenderedFile::new(s.file, s.jpeg)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The charts that the study asks for.
fn asked_charts(data_dir: &Path) -> Result<Vec<ChartSpec>, ReportError> {
    let path = data_dir.join(file::STUDY);
    let study: StudyInput<ChartSpec> = json(&path)?;
    match study.report.check_charts() {
        Ok(()) => Ok(study.report.charts),
        Err(problem) => Err(ReportError::Spec { path, problem }),
    }
}

/// Renders the report of `report_dir` from its `data/` and lists every file that would change, sorted by path.
/// Writes nothing.
///
/// # Errors
/// Fails for the same reasons as [`render`], and if a folder cannot be listed.
pub fn check(
    report_dir: &Path,
    templates: &Path,
    fidelity: Fidelity,
    changed: &[String],
) -> Result<Vec<Difference>, ReportError> {
    let rendered = render(&report_dir.join("data"), templates, fidelity, changed)?;
    let mut differences = differences(report_dir, &rendered)?;
    let strays = strays(report_dir, &rendered)?;
    differences.extend(strays.into_iter().map(|path| Difference { path, what: Change::Unexpected }));
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(differences)
}
