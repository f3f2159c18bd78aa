//! Results tables: reproduced means beside printed figures.

use crate::{
    figures::{
        data::Data,
        figure::Figure,
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
    vocabulary::{Condition, Protocol},
};

/// One row of a table: an arm under a condition.
struct Row<'a> {
    arm: &'a str,
    condition: Condition,
    baseline: bool,
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
        let rows = rows(data, metric, protocol);
        let mut images: Vec<_> = rows.iter().filter_map(|row| row.figure.as_ref()?.images).collect();
        images.dedup();
        Self {
            printed: rows.iter().any(|row| data.printed(row.arm, row.condition, metric.name).is_some()),
            images: images.len() > 1,
            data,
            metric,
            protocol,
            rows,
        }
    }

    fn to_markdown(&self) -> String {
        let mut table = Table::new(self.columns());
        table.rows = self.rows.iter().map(|row| self.cells(row)).collect();
        table.captioned(&self.caption())
    }

    fn columns(&self) -> Vec<(String, Align)> {
        let mut columns = vec![("Arm", Align::Left)];
        if self.data.has_conditions() {
            columns.push(("Condition", Align::Left));
        }
        let head = format!("{CONFIDENCE} interval");
        columns.extend([(self.metric.label, Align::Right), (&head, Align::Right)]);
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
            cells.push(if row.baseline { "any".to_owned() } else { escape(&self.data.condition_label(row.condition)) });
        }
        cells.push(or_none(figure.map(|f| to_metrics(&number(f.mean), &f.rows))));
        let images = self.data.scores.rows(row.arm, row.condition, self.protocol);
        let interval = figure.and_then(|f| f.interval).map(ends);
        cells.push(or_none(interval.map(|ends| linked(&ends, &images))));
        if self.data.has_seeds() {
            cells.push(or_none(figure.filter(|_| !row.baseline).and_then(over_seeds)));
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

    fn printed_cells(&self, row: &Row<'_>) -> [String; 3] {
        let none = || NONE.to_owned();
        let figure = row.figure.as_ref();
        let Some(line) = self.data.printed_line(row.arm, row.condition, self.metric.name) else {
            let verdict = if figure.is_none() && !row.baseline { Agreement::NotRun.to_string() } else { none() };
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

fn rows<'a>(data: &'a Data, metric: &Metric, protocol: Protocol) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for arm in &data.study.arms {
        rows.extend(data.study.conditions.iter().map(|condition| Row {
            arm: &arm.name,
            condition: condition.name,
            baseline: false,
            figure: data.tested(&arm.name, condition.name, metric, protocol),
        }));
    }
    let condition = data.first_condition();
    rows.extend(data.baselines().map(|baseline| {
        let arm = baseline.name();
        let figure = data.tested(arm, condition, metric, protocol);
        Row { arm, condition, baseline: true, figure }
    }));
    rows
}

/// Formats the range over seeds and their number: `0.846 to 0.853 (3)`.
fn over_seeds(figure: &Figure<'_>) -> Option<String> {
    let spread = figure.over_seeds()?;
    Some(to_metrics(&format!("{} ({})", ends((spread.low, spread.high)), spread.seeds), &figure.rows))
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
