//! A page a run: what it is, what it was made with, what it measured, and the end of its log.

use crate::{
    charts::{
        run_curves::{self, label_of},
        svg::style_sheet,
    },
    error::ReportError,
    figures::{
        data::Data,
        metrics::Metric,
        runs::{Run, lists, runs_of},
    },
    inputs::{file, lines::Line, runs::ANY_PROTOCOL},
    links::page_of,
    markdown::{NONE, count, duration, number, percent},
    output::RenderedFile,
    sections::{pixels::in_numbers, runs::trained_for},
    template::engine,
};
use harness_record::{files, metrics::CLASSES};
use minijinja::{Value, context, value::Serde};
use rayon::prelude::*;
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

const TEMPLATE: &str = "run.html.j2";
/// The most that is read of a run's settings or log, in bytes.
const LIMIT: u64 = 16 << 20;

/// A link to another run.
#[derive(Serialize)]
struct Link {
    /// File name beside the page.
    page: String,
    key: String,
    name: String,
}

/// A row of `metrics.csv`.
#[derive(Serialize)]
struct MetricRow<'a> {
    /// Lines of `metrics.csv` that hold it: one a place of the run in the study.
    lines: Vec<u64>,
    epoch: u32,
    split: &'a str,
    predictor: &'a str,
    condition: &'a str,
    metric: String,
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

/// The pages of all runs of the report, `runs/<start of the key>.html`.
pub(crate) fn pages(data: &Data, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    let wrap = |e: minijinja::Error| engine::template_error(templates, TEMPLATE, &e, &[]);
    let environment = engine::environment(templates).map_err(wrap)?;
    let page = environment.get_template(TEMPLATE).map_err(wrap)?;
    let runs = runs_of(data);
    let render = |run: &Run<'_>| {
        let key = run.key();
        let text = page.render(context(data, &runs, run)?).map_err(wrap)?;
        Ok(RenderedFile::new(page_of(key), text.into_bytes()))
    };
    runs.par_iter().map(render).collect()
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

fn link(data: &Data, run: &Run<'_>) -> Link {
    let key = file::short(run.key()).to_owned();
    Link { page: format!("{key}.html"), key, name: name(data, run) }
}

fn context(data: &Data, runs: &[Run<'_>], run: &Run<'_>) -> Result<Value, ReportError> {
    let record = &run.first().record;
    let linked = |wanted: &dyn Fn(&Run<'_>) -> bool| -> Vec<Link> {
        runs.iter().filter(|other| wanted(other)).map(|other| link(data, other)).collect()
    };
    let folder = data.dir.join(file::RUN_FOLDER);
    let text = |name: String| -> Result<Option<String>, ReportError> {
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read(&path, LIMIT)?;
        // A log may come from a stranger, and hold what steers a terminal.
        let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        Ok(Some(String::from_utf8_lossy(&text).chars().filter(shown).collect()))
    };
    let commit = record.commit.as_ref().map(|commit| {
        let changed = if record.dirty { ", with uncommitted changes" } else { "" };
        format!("{commit}{changed}")
    });
    Ok(context! {
        study => &data.study.study, title => &data.study.title, profile => &data.study.profile,
        name => name(data, run), key => run.key(), short => file::short(run.key()), stage => &run.first().stage,
        device => &record.device, deterministic => record.deterministic, time => duration(record.seconds),
        parameters => count(record.parameters), epochs => trained_for(record), digest => &record.data, commit,
        versions => &record.versions,
        parents => Value::from(Serde(linked(&|other| record.parents.iter().any(|parent| parent == other.key())))),
        children => Value::from(Serde(linked(&|other| other.first().record.parents.iter().any(|p| p == run.key())))),
        curves => run_curves::draw(data, run.first())?.map(|svg| svg.inline("curves")), charts => style_sheet(),
        metrics => Value::from(Serde(metric_rows(data, run))), images => Value::from(Serde(image_cells(data, run))),
        confusion => Value::from(Serde(confusion_cells(data, run))),
        calibration => Value::from(Serde(calibration_cells(data, run))),
        spec => text(file::run_spec(run.key()))?, log => text(file::run_log(run.key()))?,
    })
}

/// The rows that a page lists, under one of the places that the run takes.
fn metric_rows<'a>(data: &'a Data, run: &Run<'_>) -> Vec<MetricRow<'a>> {
    let first = run.first();
    let own = data.metrics.of_run(&first.record.key).filter(|line| line.row.stage == first.stage);
    let mut rows: Vec<MetricRow<'a>> = Vec::new();
    for Line { line, row } in own.filter(|line| lists(data, &line.row)) {
        let found = MetricRow {
            lines: vec![*line],
            epoch: row.epoch,
            split: &row.split,
            predictor: if row.predictor == "model" { "network" } else { data.arm_label(&row.predictor) },
            condition: data.condition_label(&row.condition),
            metric: label_of(&row.metric),
            value: row.value.to_string(),
        };
        // Every place repeats the rows; a link may lead to any of them.
        match rows.iter_mut().find(|known| known.is(&found)) {
            Some(known) => known.lines.push(*line),
            None => rows.push(found),
        }
    }
    rows
}

impl MetricRow<'_> {
    /// Whether it holds the same figure.
    fn is(&self, other: &Self) -> bool {
        (self.epoch, self.split, self.predictor) == (other.epoch, other.split, other.predictor)
            && (self.condition, &self.metric, &self.value) == (other.condition, &other.metric, &other.value)
    }
}

/// Scores of every test image: the report's metrics under a single condition, or the first of them under each.
fn image_cells(data: &Data, run: &Run<'_>) -> Cells {
    let place = run.first();
    if place.stage != "evaluate" {
        return Cells::default();
    }
    let metrics: Vec<&Metric> = data.study.report.metrics.iter().filter_map(|name| Metric::find(name)).collect();
    let conditions = &data.study.conditions;
    let columns: Vec<(String, &Metric, &str)> = match (conditions.as_slice(), metrics.first()) {
        ([only], _) => metrics.iter().map(|metric| (metric.label.to_owned(), *metric, only.name.as_str())).collect(),
        (several, Some(metric)) => {
            several.iter().map(|c| (format!("{}, {}", metric.label, c.label), *metric, c.name.as_str())).collect()
        }
        _ => Vec::new(),
    };
    let scores: Vec<_> = columns
        .iter()
        .map(|(_, metric, condition)| {
            data.scores.under_seed([&place.arm, condition, &place.protocol], metric, place.seed)
        })
        .collect();
    let mut cells = Cells { heads: vec!["Image".to_owned(), "Breed".to_owned()], words: 2, rows: Vec::new() };
    cells.heads.extend(columns.into_iter().map(|(head, ..)| head));
    for (image, (name, breed)) in data.scores.images().iter().zip(data.scores.breeds()).enumerate() {
        let values = scores.iter().map(|column| column.as_ref().map(|c| c[image]).filter(|v| v.is_finite()));
        let values: Vec<Option<f64>> = values.collect();
        if values.iter().any(Option::is_some) {
            let values = values.into_iter().map(|value| value.map_or(NONE.to_owned(), number));
            cells.rows.push([name.clone(), breed.clone()].into_iter().chain(values).collect());
        }
    }
    cells
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
