//! Tables of results: reproduced means beside printed figures.

use crate::{
    data::Data,
    input::Setting,
    markdown::{Align, Table, code, count, escape, number, signed},
    metric::{Direction, Metric, PUBLISHED_PROTOCOL},
    published::Agreement,
    spec::BASELINES,
    statistics::{CONFIDENCE, Summary},
};

/// One row of a table: an arm under a condition.
struct Row<'a> {
    arm: &'a str,
    condition: &'a str,
    baseline: bool,
}

/// The tables of a protocol, one a metric.
pub(crate) fn tables(data: &Data, protocol: &str) -> String {
    let metrics = data.study.report.metrics.iter().filter_map(|name| Metric::find(name));
    metrics.map(|metric| table(data, protocol, metric)).collect::<Vec<_>>().join("\n")
}

fn table(data: &Data, protocol: &str, metric: &Metric) -> String {
    let rows = rows(data);
    let printed = rows.iter().any(|row| data.printed(row.arm, row.condition, metric.name).is_some());
    let mut columns = vec![("Arm", Align::Left), ("Condition", Align::Left), (metric.label, Align::Right)];
    let head = format!("{CONFIDENCE} interval");
    columns.push((&head, Align::Right));
    if printed {
        columns.extend([("Published", Align::Right), ("Difference", Align::Right), ("Verdict", Align::Left)]);
    }
    columns.extend([("Row", Align::Right), ("Run", Align::Left)]);
    let mut table = Table::new(columns);
    for row in &rows {
        let summary = data.scores.summary(row.arm, row.condition, metric, protocol);
        let mut cells = vec![escape(data.arm_label(row.arm)), condition_cell(data, row)];
        cells.extend(summary.map_or(["–".to_owned(), "–".to_owned()], |s| [number(s.mean), interval(&s)]));
        if printed {
            cells.extend(printed_cells(data, row, metric, protocol, summary.as_ref()));
        }
        cells.extend(sources(data, row, metric, protocol));
        table.rows.push(cells);
    }
    table.captioned(&caption(data, protocol, metric))
}

fn rows(data: &Data) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for arm in &data.study.arms {
        let conditions = data.study.conditions.iter();
        rows.extend(conditions.map(|c| Row { arm: &arm.name, condition: &c.name, baseline: false }));
    }
    rows.extend(BASELINES.iter().map(|&arm| Row { arm, condition: "", baseline: true }));
    rows
}

fn condition_cell(data: &Data, row: &Row<'_>) -> String {
    if row.baseline { "any".to_owned() } else { escape(data.condition_label(row.condition)) }
}

fn printed_cells(
    data: &Data,
    row: &Row<'_>,
    metric: &Metric,
    protocol: &str,
    summary: Option<&Summary>,
) -> [String; 3] {
    let none = || "–".to_owned();
    let Some(printed) = data.printed(row.arm, row.condition, metric.name) else {
        let verdict = if summary.is_none() && !row.baseline { Agreement::NotRun.to_string() } else { none() };
        return [none(), none(), verdict];
    };
    let agreement = printed.agreement(summary, data.study.setting, protocol);
    let difference = summary.map_or_else(none, |s| signed(s.mean - printed.value));
    [escape(printed.text), difference, agreement.to_string()]
}

/// Links to the rows of `metrics.csv` that hold the mean of each seed, and to the runs that wrote them.
fn sources(data: &Data, row: &Row<'_>, metric: &Metric, protocol: &str) -> [String; 2] {
    let column = metric.column(protocol);
    let here = data.metrics.iter().filter(|line| {
        let r = &line.row;
        let place = if row.baseline {
            r.predictor == row.arm
        } else {
            r.predictor == "model" && r.arm == row.arm && r.condition == row.condition && r.protocol == protocol
        };
        place && r.stage == "evaluate" && r.split == "test" && r.metric == column
    });
    // Every evaluation repeats the baselines; one row of them is enough.
    let here: Vec<_> = here.take(if row.baseline { 1 } else { usize::MAX }).collect();
    let rows = here.iter().map(|l| format!("[{0}](data/metrics.csv#L{0})", l.line));
    let runs = here.iter().map(|l| format!("[{}](#runs)", code(short(&l.row.run))));
    [rows.collect::<Vec<_>>(), runs.collect()].map(|c| if c.is_empty() { "–".to_owned() } else { c.join(", ") })
}

/// The first eight characters of a key.
pub(crate) fn short(key: &str) -> &str {
    key.char_indices().nth(8).map_or(key, |(end, _)| &key[..end])
}

/// `0.843 to 0.859`
pub(crate) fn interval(summary: &Summary) -> String {
    format!("{} to {}", number(summary.low), number(summary.high))
}

fn caption(data: &Data, protocol: &str, metric: &Metric) -> String {
    let better = match metric.direction {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
    };
    let images = count(data.scores.images().len() as u64);
    let kind = match (metric.name, protocol == PUBLISHED_PROTOCOL) {
        ("dice" | "iou", true) => "soft ",
        ("dice" | "iou", false) => "hard ",
        _ => "",
    };
    format!(
        "{kind}{} under the {} protocol ({}; {better}), mean over {images} test images",
        metric.label,
        escape(protocol),
        metric.unit
    )
}

/// Printed figures that stand beside nothing in the tables, with the verdict that says so.
pub(crate) fn printed_without_run(data: &Data) -> String {
    let rows = data.printed_without_run();
    if rows.is_empty() {
        return String::new();
    }
    let left = ["Printed table", "Row", "Split", "Metric"].map(|head| (head, Align::Left));
    let mut table = Table::new(left.into_iter().chain([("Published", Align::Right), ("Verdict", Align::Left)]));
    for row in rows {
        let mut cells: Vec<_> = [&row.table, &row.variant, &row.split, &row.metric].map(|t| escape(t)).into();
        cells.extend([escape(&row.value), Agreement::NotRun.to_string()]);
        table.rows.push(cells);
    }
    table.captioned("printed figures for which this report has no data")
}

/// Why figures of a protocol cannot be held against the printed ones; empty if they can.
pub(crate) fn incomparable_because(data: &Data, protocol: &str) -> String {
    let data_reason = match data.study.setting {
        Setting::Full => None,
        Setting::Other => Some("this report ran on other images than the published ones"),
        Setting::Sample => Some("this report ran on a small sample of photographs, with a smaller network"),
        Setting::Synthetic => Some("this report ran on synthetic pets drawn by the program, with a smaller network"),
    };
    let protocol_reason =
        (protocol != PUBLISHED_PROTOCOL).then_some("this protocol measures differently from the published work");
    let reasons: Vec<_> = [data_reason, protocol_reason].into_iter().flatten().collect();
    if reasons.is_empty() {
        return String::new();
    }
    format!(
        "The published figures stand beside ours for orientation and are not comparable: {}.",
        reasons.join("; and ")
    )
}
