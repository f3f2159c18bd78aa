//! Results tables: reproduced means beside printed figures.

use crate::{
    figures::{
        data::Data,
        figure::Figure,
        health::collapse::seeds_of_one_class,
        metrics::Metric,
        published::{Agreement, Printed},
        statistics::summary::CONFIDENCE,
    },
    inputs::study::Fidelity,
    links::{linked, to_metrics, to_published},
    markdown::{Align, NONE, Table, count, ends, escape, listed, number, signed},
};
use harness_record::{
    metrics::Direction,
    vocabulary::{Baseline, Condition, Protocol},
};

/// The head of the column that says where a score lies in its range.
const RANGE: &str = "Floor to ceiling";
/// The text for a score at its floor or below.
pub(crate) const NOT_ABOVE: &str = "not above the floor";

/// One row of a table: an arm under a condition, or a baseline.
struct Row<'a> {
    arm: &'a str,
    condition: Condition,
    baseline: Option<Baseline>,
    figure: Option<Figure<'a>>,
}

/// One table: a metric under a protocol, and the optional columns that it needs.
struct Results<'a> {
    data: &'a Data,
    metric: &'a Metric,
    protocol: Protocol,
    rows: Vec<Row<'a>>,
    /// True if the rows are means over different numbers of images.
    images: bool,
    printed: bool,
    /// The ends of the ranges of all arms; empty if no range is known.
    bounds: Vec<(End, Option<Baseline>)>,
}

/// An end of the range of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Floor,
    Ceiling,
}

/// Returns the tables of a protocol, one for each metric.
pub(crate) fn tables(data: &Data, protocol: Protocol) -> String {
    let metrics = data.study.report.metrics.iter().filter_map(|name| Metric::find(name));
    metrics.map(|metric| table(data, protocol, metric)).collect::<Vec<_>>().join("\n")
}

/// Returns the table of a metric under a protocol.
pub(crate) fn table(data: &Data, protocol: Protocol, metric: &Metric) -> String {
    Results::new(data, protocol, metric).to_markdown()
}

impl<'a> Results<'a> {
    fn new(data: &'a Data, protocol: Protocol, metric: &'a Metric) -> Self {
        let bounds = bounds(data, metric, protocol);
        let rows = rows(data, metric, protocol, &bounds);
        let mut images: Vec<_> = rows.iter().filter_map(|row| row.figure.as_ref()?.images).collect();
        images.dedup();
        Self {
            printed: rows.iter().any(|row| data.printed(row.arm, row.condition, metric.name).is_some()),
            images: images.len() > 1,
            data,
            metric,
            protocol,
            rows,
            bounds,
        }
    }

    fn to_markdown(&self) -> String {
        let mut table = Table::new(self.columns());
        table.rows = self.rows.iter().map(|row| self.cells(row)).chain(self.best()).collect();
        table.captioned(&self.caption())
    }

    fn columns(&self) -> Vec<(String, Align)> {
        let mut columns = vec![("Arm", Align::Left)];
        if self.data.has_conditions() {
            columns.push(("Condition", Align::Left));
        }
        let head = format!("{CONFIDENCE} interval");
        columns.push((self.metric.label, Align::Right));
        if !self.bounds.is_empty() {
            columns.push((RANGE, Align::Right));
        }
        columns.push((&head, Align::Right));
        if self.data.has_seeds() {
            columns.push(("Over seeds", Align::Right));
        }
        if self.images {
            columns.push(("Images", Align::Right));
        }
        if self.printed {
            columns.extend([("Published", Align::Right), ("Difference", Align::Right), ("Verdict", Align::Left)]);
        }
        columns.into_iter().map(|(head, align)| (head.to_owned(), align)).collect()
    }

    fn cells(&self, row: &Row<'_>) -> Vec<String> {
        let figure = row.figure.as_ref();
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        let mut cells = vec![escape(self.data.arm_label(row.arm))];
        if self.data.has_conditions() {
            let any = row.baseline.is_some();
            cells.push(if any { "any".to_owned() } else { escape(&self.data.condition_label(row.condition)) });
        }
        cells.push(or_none(figure.map(|f| to_metrics(&number(f.mean), &f.rows))));
        if !self.bounds.is_empty() {
            cells.push(or_none(self.position(row)));
        }
        let images = self.data.scores.rows(row.arm, row.condition, self.protocol);
        let interval = figure.and_then(|f| f.interval).map(ends);
        cells.push(or_none(interval.map(|ends| linked(&ends, &images))));
        if self.data.has_seeds() {
            cells.push(or_none(
                figure.filter(|_| row.baseline.is_none()).and_then(|figure| self.over_seeds(row, figure)),
            ));
        }
        if self.images {
            let own = figure.and_then(|f| f.images);
            cells.push(or_none(own.map(|n| linked(&count(n as u64), &images))));
        }
        if self.printed {
            cells.extend(self.printed_cells(row));
        }
        cells
    }

    /// Says where a score lies between floor and ceiling, or that a baseline is one of these.
    fn position(&self, row: &Row<'_>) -> Option<String> {
        if let Some(baseline) = row.baseline {
            let end = self.bounds.iter().find(|(_, of)| *of == Some(baseline)).map(|(end, _)| *end)?;
            return Some(if end == End::Floor { "floor" } else { "ceiling" }.to_owned());
        }
        let figure = row.figure.as_ref()?;
        let range = self.data.range(row.arm, self.metric, self.protocol)?;
        let rows = [&figure.rows[..], &range.floor.rows, &range.ceiling.rows].concat();
        Some(to_metrics(&range.position(figure.mean).map_or(NOT_ABOVE.to_owned(), whole_percent), &rows))
    }

    /// Returns the row of the best possible value, if the definition of the metric gives it.
    fn best(&self) -> Option<Vec<String>> {
        self.bounds.contains(&(End::Ceiling, None)).then(|| {
            let mut cells = vec!["Best possible".to_owned()];
            if self.data.has_conditions() {
                cells.push("any".to_owned());
            }
            cells.extend(["1".to_owned(), "ceiling".to_owned()]);
            cells.resize(self.columns().len(), NONE.to_owned());
            cells
        })
    }

    /// Formats the range over seeds and their number: `0.846 to 0.853 (3)`, `0.467 to 0.853 (3, 1 at one class)`.
    fn over_seeds(&self, row: &Row<'_>, figure: &Figure<'_>) -> Option<String> {
        let spread = figure.over_seeds()?;
        // A collapse is looked for under the first condition alone.
        let is_first = row.condition == self.data.first_condition();
        let collapsed = match seeds_of_one_class(self.data, row.arm, self.protocol) {
            seeds if seeds > 0 && is_first => format!(", {seeds} at one class"),
            _ => String::new(),
        };
        let text = format!("{} ({}{collapsed})", ends((spread.low, spread.high)), spread.seeds);
        Some(to_metrics(&text, &figure.rows))
    }

    fn printed_cells(&self, row: &Row<'_>) -> [String; 3] {
        let none = || NONE.to_owned();
        let figure = row.figure.as_ref();
        let Some(line) = self.data.printed_line(row.arm, row.condition, self.metric.name) else {
            let verdict =
                if figure.is_none() && row.baseline.is_none() { Agreement::NotRun.to_string() } else { none() };
            return [none(), none(), verdict];
        };
        let printed = Printed::read(&line.row.value);
        let difference =
            |(f, printed): (&Figure<'_>, Printed<'_>)| to_metrics(&signed(f.mean - printed.value), &f.rows);
        let verdict = self.data.agreement(&line.row, figure, self.protocol).in_words();
        [to_published(line), figure.zip(printed).map_or_else(none, difference), verdict]
    }

    fn caption(&self) -> String {
        let better = match self.metric.direction {
            Direction::Higher => "higher is better",
            Direction::Lower => "lower is better",
        };
        let images = if self.images {
            "the test images of each row".to_owned()
        } else {
            let own = self.rows.iter().find_map(|row| row.figure.as_ref()?.images);
            format!("{} test images", count(own.unwrap_or(self.data.scores.images().len()) as u64))
        };
        let seeds = self.data.study.seeds.len();
        let images = format!("{images} and {} {}", count(seeds as u64), if seeds == 1 { "seed" } else { "seeds" });
        let (label, protocol, unit) = (self.metric.label, self.protocol, self.metric.unit);
        let batched = self.data.arms_over_batches(self.metric, self.protocol);
        let named = self.metric.in_words(self.protocol);
        if batched.is_empty() {
            return format!("{named} under the {protocol} protocol ({unit}; {better}), mean over {images}");
        }
        format!(
            "{label} under the {protocol} protocol ({unit}; {better}). Rows are measured in two ways. For {}: hard \
             {label} of whole batches, mean over batches, without an interval. For the others: {named}, mean over \
             {images}",
            listed(&batched.iter().map(|arm| escape(arm)).collect::<Vec<_>>())
        )
    }
}

fn rows<'a>(data: &'a Data, metric: &Metric, protocol: Protocol, bounds: &[(End, Option<Baseline>)]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for arm in &data.study.arms {
        rows.extend(data.study.conditions.iter().map(|condition| Row {
            arm: &arm.name,
            condition: condition.name,
            baseline: None,
            figure: data.tested(&arm.name, condition.name, metric, protocol),
        }));
    }
    let condition = data.first_condition();
    // Masks with outputs from 0 to 1 say nothing new where no sigmoid is applied.
    let shown = |one: &Baseline| !one.is_in_unit_range() || bounds.iter().any(|(_, of)| *of == Some(*one));
    rows.extend(data.baselines().filter(shown).map(|baseline| {
        let arm = baseline.name();
        let figure = data.tested(arm, condition, metric, protocol);
        Row { arm, condition, baseline: Some(baseline), figure }
    }));
    rows
}

/// Returns the floors and ceilings of all arms, each once.
fn bounds(data: &Data, metric: &Metric, protocol: Protocol) -> Vec<(End, Option<Baseline>)> {
    let mut bounds = Vec::new();
    for range in data.study.arms.iter().filter_map(|arm| data.range(&arm.name, metric, protocol)) {
        for bound in [(End::Floor, range.floor.of), (End::Ceiling, range.ceiling.of)] {
            if !bounds.contains(&bound) {
                bounds.push(bound);
            }
        }
    }
    bounds
}

/// Formats a share in whole percent, but never as 0 or 100 if it is not.
pub(crate) fn whole_percent(share: f64) -> String {
    let decimals = usize::from(share != 1.0 && matches!((share * 100.0).round(), 0.0 | 100.0));
    format!("{:.decimals$}\u{a0}%", share * 100.0)
}

/// Returns why figures of a protocol cannot be compared with the printed ones; empty if they can.
pub(crate) fn incomparable_because(data: &Data, protocol: Protocol) -> String {
    let data_reason = match data.study.fidelity {
        Fidelity::Full => None,
        Fidelity::Other => Some("this report ran on other images than the published ones"),
        Fidelity::Sample => Some("this report ran on a small sample of photographs, with a smaller network"),
        Fidelity::Synthetic => Some("this report ran on synthetic pets drawn by the program, with a smaller network"),
        Fidelity::Unknown => Some("this report's data do not match the study's current spec"),
    };
    let protocol_reason =
        (protocol != Protocol::Published).then_some("this protocol measures differently from the published work");
    let reasons: Vec<_> = [data_reason, protocol_reason].into_iter().flatten().collect();
    if reasons.is_empty() {
        return String::new();
    }
    format!(
        "The published figures are shown beside ours for orientation only; they are not comparable: {}.",
        reasons.join("; and ")
    )
}
