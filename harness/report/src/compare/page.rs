//! A comparison as text, as a page and as a data table.

use super::{
    gate::Gate,
    result::{Both, Change, Comparison, Row, better},
};
use crate::{
    error::ReportError,
    markdown::{NONE, count, number, p_value, signed},
    output::RenderedFile,
    template::engine,
};
use harness_record::{RecordError, vocabulary::Split};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;
use std::path::Path;

const TEMPLATE: &str = "compare.html.j2";
const DIFFERENCES: &str = "differences.csv";
/// The width of an interval's drawing, in its own units.
const WIDTH: f64 = 100.0;

/// The figures of a row as text, rounded as in reports.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The mean in A.
    pub a: String,
    /// The mean in B.
    pub b: String,
    /// B minus A, with its sign.
    pub difference: String,
    /// The 95 % interval of the difference.
    pub interval: String,
    /// The corrected p-value.
    pub p: String,
    /// The number of images; both numbers if they differ.
    pub images: String,
    /// The number of seeds; both numbers if they differ.
    pub seeds: String,
    /// The verdict on the change.
    pub change: &'static str,
}

impl Row {
    /// Returns the figures of the row as text.
    pub fn shown(&self) -> Shown {
        let none = || NONE.to_owned();
        let counts = |n: &Both<usize>| {
            let [a, b] = [n.a, n.b].map(|n| count(n as u64));
            if a == b { a } else { format!("{a} and {b}") }
        };
        Shown {
            a: number(self.a),
            b: number(self.b),
            difference: signed(self.difference),
            interval: self.interval.map_or_else(none, |(low, high)| format!("{} to {}", signed(low), signed(high))),
            p: self.p.map_or_else(none, p_value),
            images: self.images.as_ref().map_or_else(none, counts),
            seeds: counts(&self.seeds),
            change: self.change.in_words(),
        }
    }
}

/// One table of the page: one metric under one protocol.
#[derive(Serialize)]
struct Table<'a> {
    metric: &'a str,
    protocol: String,
    split: Split,
    better: Option<&'static str>,
    conditions: bool,
    /// A note that applies to all rows; the rows do not repeat it.
    note: Option<&'a str>,
    rows: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    arm: String,
    condition: String,
    #[serde(flatten)]
    shown: Shown,
    class: &'static str,
    note: Option<&'a str>,
    drawn: Option<Drawn>,
}

/// The positions of an interval and of zero in its drawing.
#[derive(Serialize)]
struct Drawn {
    zero: String,
    low: String,
    at: String,
    high: String,
}

/// Renders `differences.csv` and `index.html`. The page marks the `gates`.
///
/// # Errors
/// Fails if the template is missing or asks for something that does not exist.
pub fn render(comparison: &Comparison, gates: &[Gate], templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    let checked: Vec<_> = gates.iter().filter_map(|gate| gate.check(comparison)).collect();
    let untested: usize = checked.iter().map(|gate| gate.untested.len()).sum();
    let regressions: Vec<_> = checked
        .iter()
        .flat_map(|gate| &gate.regressions)
        .map(|found| {
            context! {
                metric => &found.row.metric, place => found.row.place.in_words(), difference => signed(found.row.difference),
                threshold => number(found.threshold), counts => found.counts,
            }
        })
        .collect();
    let unlike: Vec<_> = comparison
        .unlike
        .iter()
        .map(|one| context! { metric => &one.metric, arm => one.place.arm.in_words(), protocol => one.place.protocol.in_words(), condition => one.place.condition.in_words(), why => &one.why })
        .collect();
    let circumstances: Vec<_> = comparison
        .circumstances
        .iter()
        .map(|one| context! { topic => one.topic.in_words(), field => &one.field, a => &one.a, b => &one.b })
        .collect();
    let context = context! {
        a => Value::from(Serde(&comparison.a)), b => Value::from(Serde(&comparison.b)), gates => !gates.is_empty(),
        tables => Value::from(Serde(tables(comparison))), summary => summary(comparison), only => Value::from(Serde(&comparison.only)),
        regressions, untested, unlike, circumstances, differences => DIFFERENCES,
    };
    let page = engine::page(templates, TEMPLATE, context)?;
    Ok(vec![RenderedFile::new(DIFFERENCES, csv(comparison)?), RenderedFile::new("index.html", page.into_bytes())])
}

/// Counts the figures that got better, got worse, or neither, in words.
fn summary(comparison: &Comparison) -> String {
    let counted = Change::ALL.map(|change| (comparison.rows.iter().filter(|row| row.change == change).count(), change));
    let found = counted.into_iter().filter(|(n, _)| *n > 0);
    found.map(|(n, change)| format!("{} {}", count(n as u64), change.in_words())).collect::<Vec<_>>().join(", ")
}

fn tables(comparison: &Comparison) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    let conditions = comparison.rows.iter().any(|row| row.place.condition != comparison.rows[0].place.condition);
    for row in &comparison.rows {
        let protocol = row.place.protocol.in_words();
        let belongs = |table: &&mut Table<'_>| {
            table.metric == row.metric && table.protocol == protocol && table.split == row.place.split
        };
        let line = Line {
            arm: row.place.arm.in_words(),
            condition: row.place.condition.in_words(),
            shown: row.shown(),
            class: match row.change {
                Change::Better => "supported",
                Change::Worse => "contradicted",
                Change::Undecided => "undecided",
                Change::Same => "not-run",
                Change::NotTested => "not-tested",
            },
            note: row.note.as_deref(),
            drawn: drawn(row, &comparison.rows),
        };
        match tables.iter_mut().find(belongs) {
            Some(table) => table.rows.push(line),
            None => tables.push(Table {
                metric: &row.metric,
                protocol,
                split: row.place.split,
                better: row.direction.map(better),
                conditions,
                note: None,
                rows: vec![line],
            }),
        }
    }
    tables.iter_mut().for_each(Table::lift_note);
    tables
}

impl Table<'_> {
    /// Moves a note that all rows share to the table.
    fn lift_note(&mut self) {
        let first = self.rows[0].note;
        if self.rows.iter().all(|row| row.note == first) {
            self.note = first;
            self.rows.iter_mut().for_each(|row| row.note = None);
        }
    }
}

/// Places the interval of a row on the scale of all rows of its metric; the scale includes zero.
fn drawn(row: &Row, rows: &[Row]) -> Option<Drawn> {
    let (low, high) = row.interval?;
    let alike = || rows.iter().filter(|other| other.metric == row.metric).filter_map(|other| other.interval);
    let least = alike().map(|(low, _)| low).fold(0.0, f64::min);
    let most = alike().map(|(_, high)| high).fold(0.0, f64::max);
    if most <= least {
        return None;
    }
    let place = |value: f64| format!("{:.2}", 2.0 + (value - least) / (most - least) * (WIDTH - 4.0));
    Some(Drawn { zero: place(0.0), low: place(low), at: place(row.difference), high: place(high) })
}

/// Writes one CSV row for each figure, with all digits.
fn csv(comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let wrap = |source| RecordError::Csv { path: DIFFERENCES.into(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heads = [
        "arm_a",
        "arm_b",
        "protocol_a",
        "protocol_b",
        "condition_a",
        "condition_b",
        "split",
        "metric",
        "better",
        "a",
        "b",
        "difference",
        "low",
        "high",
        "p",
        "images_a",
        "images_b",
        "seeds_a",
        "seeds_b",
        "paired",
        "change",
        "note",
    ];
    writer.write_record(heads).map_err(wrap)?;
    for row in &comparison.rows {
        let place = &row.place;
        let figure = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:?}"));
        let images = |of: fn(&Both<usize>) -> usize| row.images.as_ref().map_or(String::new(), |n| of(n).to_string());
        let cells = [
            place.arm.a.clone(),
            place.arm.b.clone(),
            place.protocol.a.to_string(),
            place.protocol.b.to_string(),
            place.condition.a.to_string(),
            place.condition.b.to_string(),
            place.split.to_string(),
            row.metric.clone(),
            row.direction.map_or(String::new(), |direction| better(direction).to_owned()),
            figure(Some(row.a)),
            figure(Some(row.b)),
            figure(Some(row.difference)),
            figure(row.interval.map(|(low, _)| low)),
            figure(row.interval.map(|(_, high)| high)),
            figure(row.p),
            images(|n| n.a),
            images(|n| n.b),
            row.seeds.a.to_string(),
            row.seeds.b.to_string(),
            row.paired.to_string(),
            row.change.in_words().to_owned(),
            row.note.clone().unwrap_or_default(),
        ];
        writer.write_record(cells).map_err(wrap)?;
    }
    Ok(writer.into_inner().map_err(|e| wrap(e.into_error().into()))?)
}
