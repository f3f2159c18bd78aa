//! What changed in the figures since the data were collected last.

use crate::{
    figures::data::Data,
    inputs::{
        changes::{ChangedFigure, ChangesInput},
        file::short,
    },
    markdown::{Align, NONE, Table, code, count, escape, number, signed},
};
use harness_record::metrics::Metric;

/// The most changes that are listed.
const LISTED: usize = 10;

/// A sentence on how many figures changed, and the largest changes.
pub(crate) fn to_markdown(data: &Data) -> String {
    let Some(changes) = &data.changes else {
        return "Nothing was collected here before these data, so there is nothing that they changed.\n".to_owned();
    };
    let mut text = sentence(changes);
    let mut moved: Vec<&ChangedFigure> = changes.changed.iter().collect();
    // The order of the file decides between equals.
    moved.sort_by(|a, b| size(b).total_cmp(&size(a)));
    if moved.is_empty() {
        return text;
    }
    let left = ["Arm", "Protocol", "Seed", "Condition", "Metric"].map(|head| (head, Align::Left));
    let right = ["Before", "Now", "Change"].map(|head| (head, Align::Right));
    let mut table = Table::new(left.into_iter().chain(right));
    table.rows = moved.iter().take(LISTED).map(|figure| cells(data, figure)).collect();
    let caption = if moved.len() > LISTED {
        format!("the {LISTED} largest of {} changes; all are in data/changes.json", count(moved.len() as u64))
    } else {
        "figures that changed".to_owned()
    };
    text += "\n";
    text += &table.captioned(&caption);
    text
}

fn sentence(changes: &ChangesInput) -> String {
    let commit = changes.commit.as_deref().map_or("a folder without commit".to_owned(), |id| {
        let dirty = if changes.dirty { " with changes" } else { "" };
        format!("commit {}{dirty}", code(short(id)))
    });
    let moved = changes.changed.iter().filter(|figure| figure.before.is_some() && figure.after.is_some()).count();
    let only = changes.changed.len() - moved;
    let others = if only == 0 {
        String::new()
    } else {
        let stand = if only == 1 { "figure stands" } else { "figures stand" };
        format!(", and {} {stand} in only one of the two", count(only as u64))
    };
    let runs = if changes.runs == 1 { "run is new" } else { "runs are new" };
    format!(
        "Beside the data that were here before, made at {commit}, {} {runs}; of {} figures of tests that both have, {} changed{others}.\n",
        count(changes.runs),
        count(changes.compared),
        count(moved as u64)
    )
}

/// How far a figure moved; what came or went comes first.
fn size(figure: &ChangedFigure) -> f64 {
    match (figure.before, figure.after) {
        (Some(before), Some(after)) => (after - before).abs(),
        _ => f64::INFINITY,
    }
}

fn cells(data: &Data, figure: &ChangedFigure) -> Vec<String> {
    let metric = Metric::find(&figure.metric).map_or(figure.metric.as_str(), |metric| metric.label);
    let shown = |value: Option<f64>| value.map_or(NONE.to_owned(), number);
    let change = figure.before.zip(figure.after).map_or(NONE.to_owned(), |(before, after)| signed(after - before));
    let words = [
        data.arm_label(&figure.arm),
        &figure.protocol,
        &figure.seed.to_string(),
        data.condition_label(&figure.condition),
        metric,
    ];
    words.map(escape).into_iter().chain([shown(figure.before), shown(figure.after), change]).collect()
}
