//! `runs.html`: every run of a report with its settings, its curves, and the rows that figures of the report lead to.
//!
//! A figure of `metrics.csv` has the id `<start of the run's key>-<line>`. All other rows are in the tables of the data.

use super::index::Listed;
use crate::{
    charts::run_curves::{self, label_of},
    error::ReportError,
    figures::{
        data::Data,
        runs::{Run, runs_of},
    },
    inputs::{file, lines::Line, runs::ANY_PROTOCOL},
    links::RUNS_PAGE,
    markdown::{NONE, count, percent},
    output::RenderedFile,
    sections::{pixels::in_numbers, runs::trained_for},
    template::engine,
};
use harness_record::{files, metrics::CLASSES};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

const TEMPLATE: &str = "runs.html.j2";
/// The most that is read of a run's settings, in bytes.
const LIMIT: u64 = 16 << 20;

/// A run as the page tells of it.
#[derive(Serialize)]
struct Entry {
    name: String,
    key: String,
    short: String,
    stage: String,
    parents: Vec<Link>,
    children: Vec<Link>,
    parameters: String,
    epochs: String,
    digest: String,
    curves: Vec<String>,
    figures: Figures,
    confusion: Cells,
    calibration: Cells,
    /// Its settings as YAML, where the data hold them.
    spec: Option<String>,
}

/// A link to another run of the page.
#[derive(Serialize)]
struct Link {
    short: String,
    name: String,
}

/// The rows of `metrics.csv` that figures lead to: a row a place where the run was measured, a column a metric.
#[derive(Serialize, Default)]
struct Figures {
    /// Heads of the columns that say where; then the metrics.
    places: Vec<&'static str>,
    metrics: Vec<String>,
    rows: Vec<FigureRow>,
}

#[derive(Serialize)]
struct FigureRow {
    place: Vec<String>,
    /// One a metric, in their order.
    cells: Vec<FigureCell>,
}

#[derive(Serialize, Default, Clone)]
struct FigureCell {
    /// Lines of `metrics.csv` that hold it: one a place of the run in the study.
    lines: Vec<u64>,
    value: String,
}

/// A table as text.
#[derive(Serialize, Default)]
struct Cells {
    heads: Vec<String>,
    /// How many columns at the left are words.
    words: usize,
    rows: Vec<Vec<String>>,
}

/// The page of all runs. `listed` are the rows that the report's figures lead to.
pub(crate) fn page(data: &Data, listed: &Listed, templates: &Path) -> Result<RenderedFile, ReportError> {
    let all = runs_of(data);
    let entries: Vec<Entry> = all.iter().map(|run| entry(data, &all, run, listed)).collect::<Result<_, _>>()?;
    let context = context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        runs => Value::from(Serde(entries)),
    };
    let page = engine::page(templates, TEMPLATE, context)?;
    Ok(RenderedFile::new(RUNS_PAGE, page.into_bytes()))
}

/// `Fine-tuning: Pretrained, corrected protocol, seed 0`
fn name(data: &Data, run: &Run<'_>) -> String {
    let stage = match run.first().stage.as_str() {
        "pretrain" => "Pretraining",
        "finetune" => "Fine-tuning",
        "evaluate" => "Test",
        other => other,
    };
    let protocols = run.protocols();
    let protocols = if protocols == ANY_PROTOCOL { String::new() } else { format!(", {protocols} protocol") };
    format!("{stage}: {}{protocols}, seed {}", run.arms(data), run.seeds())
}

fn entry(data: &Data, all: &[Run<'_>], run: &Run<'_>, listed: &Listed) -> Result<Entry, ReportError> {
    let record = &run.first().record;
    let linked = |wanted: &dyn Fn(&Run<'_>) -> bool| -> Vec<Link> {
        let wanted = all.iter().filter(|other| wanted(other));
        wanted.map(|other| Link { short: file::short(other.key()).to_owned(), name: name(data, other) }).collect()
    };
    Ok(Entry {
        name: name(data, run),
        key: run.key().to_owned(),
        short: file::short(run.key()).to_owned(),
        stage: run.first().stage.clone(),
        parents: linked(&|other| record.parents.iter().any(|parent| parent == other.key())),
        children: linked(&|other| other.first().record.parents.iter().any(|parent| parent == run.key())),
        parameters: count(record.parameters),
        epochs: trained_for(record),
        digest: record.data.clone(),
        curves: run_curves::draw(data, run.first()),
        figures: figures(data, run, listed.get(run.key())),
        confusion: confusion_cells(data, run),
        calibration: calibration_cells(data, run),
        spec: spec(data, run)?,
    })
}

/// The settings of a run, if the data hold them.
fn spec(data: &Data, run: &Run<'_>) -> Result<Option<String>, ReportError> {
    let path = data.dir.join(file::RUN_FOLDER).join(file::run_spec(run.key()));
    if !path.exists() {
        return Ok(None);
    }
    let text = files::read(&path, LIMIT)?;
    // The data may come from a stranger, and hold what steers a terminal.
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    Ok(Some(String::from_utf8_lossy(&text).chars().filter(shown).collect()))
}

/// The rows on the lines `wanted`.
fn figures(data: &Data, run: &Run<'_>, wanted: Option<&BTreeSet<u64>>) -> Figures {
    let Some(wanted) = wanted else { return Figures::default() };
    let tested = run.first().stage == "evaluate";
    let places = if tested { ["Predictor", "Condition"] } else { ["Split", "Epoch"] };
    // With one condition, nothing need name it.
    let named = if tested && !data.has_conditions() { 1 } else { 2 };
    let mut found = Figures { places: places[..named].to_vec(), ..Figures::default() };
    let mut columns: Vec<&str> = Vec::new();
    for Line { line, row } in data.metrics.of_run(run.key()).filter(|line| wanted.contains(&line.line)) {
        let predictor = if row.predictor == "model" { "Network" } else { data.arm_label(&row.predictor) };
        let place = if tested {
            [predictor.to_owned(), data.condition_label(&row.condition).to_owned()]
        } else {
            [row.split.clone(), row.epoch.to_string()]
        };
        let column = columns.iter().position(|name| *name == row.metric).unwrap_or_else(|| {
            columns.push(&row.metric);
            columns.len() - 1
        });
        let at = found.rows.iter().position(|known| known.place == place[..named]).unwrap_or_else(|| {
            found.rows.push(FigureRow { place: place[..named].to_vec(), cells: Vec::new() });
            found.rows.len() - 1
        });
        let cells = &mut found.rows[at].cells;
        cells.resize(cells.len().max(column + 1), FigureCell::default());
        // Arms that share the run repeat its rows; a link may lead to any of them.
        cells[column].lines.push(*line);
        cells[column].value = row.value.to_string();
    }
    found.rows.iter_mut().for_each(|row| row.cells.resize(columns.len(), FigureCell::default()));
    found.metrics = columns.into_iter().map(label_of).collect();
    found
}

/// Conditions of the run's rows, in the order of the study.
fn conditions<'a>(data: &'a Data, run: &Run<'_>) -> Vec<&'a str> {
    let counted: BTreeSet<&str> = data
        .calibration
        .iter()
        .filter(|line| line.row.run == run.key())
        .map(|line| line.row.condition.as_str())
        .collect();
    data.study.conditions.iter().map(|c| c.name.as_str()).filter(|name| counted.contains(name)).collect()
}

fn confusion_cells(data: &Data, run: &Run<'_>) -> Cells {
    let heads = ["Condition", "True class"].map(str::to_owned).into_iter();
    let classes = data.study.classes.iter().map(|class| format!("Taken for {class}"));
    let heads = heads.chain(classes).chain(["Pixels".to_owned()]).collect();
    let mut cells = Cells { heads, words: 2, rows: Vec::new() };
    let place = run.first();
    for condition in conditions(data, run) {
        let found = data.confusion_of(|row| {
            row.run == run.key() && row.predictor == "model" && row.condition == condition && row.arm == place.arm
        });
        let Some(found) = found else { continue };
        for (truth, class) in data.study.classes.iter().enumerate().take(CLASSES) {
            let all = found.counts.truth(truth);
            let share = |n: &u64| if all == 0 { NONE.to_owned() } else { percent(*n as f64 / all as f64) };
            let mut row = vec![data.condition_label(condition).to_owned(), class.clone()];
            row.extend(found.counts.counts()[truth].iter().map(share));
            row.push(count(all));
            cells.rows.push(row);
        }
    }
    cells
}

fn calibration_cells(data: &Data, run: &Run<'_>) -> Cells {
    let heads = ["Condition", "Mean confidence", "Accuracy", "Too sure by", "Expected calibration error", "Pixels"];
    let mut cells = Cells { heads: heads.map(str::to_owned).to_vec(), words: 1, rows: Vec::new() };
    let place = run.first();
    for condition in conditions(data, run) {
        let found =
            data.reliability_of(|row| row.run == run.key() && row.condition == condition && row.arm == place.arm);
        let Some(numbers) = found.and_then(|found| in_numbers(&found.counts)) else { continue };
        cells.rows.push([data.condition_label(condition).to_owned()].into_iter().chain(numbers).collect());
    }
    cells
}
