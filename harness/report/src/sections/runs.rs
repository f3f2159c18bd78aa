//! The runs of a report, and their versions.

use crate::{
    figures::{
        data::Data,
        runs::{all_versions, runs_of},
    },
    inputs::{file::short, runs::RunSummary},
    links::page_of,
    markdown::{Align, Table, code, count, duration, escape},
};

/// Runs, each once, with the places that share it.
pub(crate) fn runs(data: &Data) -> String {
    let with_epochs = data.runs.iter().any(|run| run.record.epochs.is_some());
    let epochs = with_epochs.then_some(("Epochs", Align::Right));
    let places = [
        ("Run", Align::Left),
        ("Stage", Align::Left),
        ("Arms", Align::Left),
        ("Protocol", Align::Left),
        ("Seed", Align::Right),
    ];
    let mut table = Table::new(places.into_iter().chain(epochs).chain([
        ("Device", Align::Left),
        ("Time", Align::Right),
        ("Parameters", Align::Right),
        ("Commit", Align::Left),
    ]));
    for run in runs_of(data) {
        let record = &run.first().record;
        let mut cells = vec![
            format!("[{}]({})", code(short(run.key())), page_of(run.key())),
            escape(&run.first().stage),
            escape(&run.arms(data)),
            escape(&run.protocols()),
            escape(&run.seeds()),
        ];
        cells.extend(with_epochs.then(|| trained_for(record)));
        cells.extend([
            escape(&record.device),
            duration(record.seconds),
            count(record.parameters),
            commit(record.commit.as_deref(), record.dirty),
        ]);
        table.rows.push(cells);
    }
    table.captioned("runs of this report")
}

/// `43, kept 23`
pub(crate) fn trained_for(record: &RunSummary) -> String {
    let epochs = record.epochs.map(|epochs| count(epochs.into()));
    let kept = record.kept_epoch.filter(|&kept| record.epochs != Some(kept)).map(|kept| format!("kept {kept}"));
    let parts: Vec<_> = [epochs, kept].into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

fn commit(commit: Option<&str>, dirty: bool) -> String {
    let changed = if dirty { " with changes" } else { "" };
    commit.map_or("–".to_owned(), |id| format!("{}{changed}", code(short(id))))
}

/// Versions that the numbers depend on.
pub(crate) fn versions(data: &Data) -> String {
    let mut table = Table::new([("What", Align::Left), ("Version", Align::Left)]);
    for (name, versions) in all_versions(data) {
        let list: Vec<_> = versions.into_iter().map(escape).collect();
        table.rows.push(vec![escape(name), list.join(", ")]);
    }
    table.captioned("versions that the numbers depend on")
}
