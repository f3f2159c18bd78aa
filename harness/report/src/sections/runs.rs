//! The runs of a report, and the versions that they used.

use crate::{
    figures::{
        data::Data,
        runs::{all_versions, runs_of},
    },
    links::page_of,
    markdown::{Align, Table, code, count, escape},
};
use harness_record::{run::RunRecord, vocabulary::Stage};

/// Lists each run once, with the places that share it. The time and host of a run change with each run; they are in
/// `provenance.json`.
pub(crate) fn runs(data: &Data) -> String {
    let left = ["Run", "Stage", "Arms", "Protocol"].map(|head| (head, Align::Left));
    let right = ["Seed", "Epochs"].map(|head| (head, Align::Right));
    let last = [("Device", Align::Left), ("Parameters", Align::Right)];
    let mut table = Table::new(left.into_iter().chain(right).chain(last));
    for placed in runs_of(data) {
        let record = &placed.run.record;
        let short = record.key.short();
        let protocols = placed.protocols();
        table.rows.push(vec![
            format!("[{}]({})", code(short), page_of(short)),
            record.stage.to_string(),
            escape(&placed.arms(data)),
            if protocols.is_empty() { "any".to_owned() } else { protocols },
            escape(&placed.seeds()),
            trained_for(record),
            escape(&record.device),
            count(record.parameters),
        ]);
    }
    table.captioned("runs of this report")
}

/// Formats the number of epochs and the kept epoch: `43, kept 23`.
pub(crate) fn trained_for(record: &RunRecord) -> String {
    if record.stage == Stage::Evaluate {
        return "–".to_owned();
    }
    let epochs = count(record.epochs.into());
    if record.kept_epoch == record.epochs { epochs } else { format!("{epochs}, kept {}", record.kept_epoch) }
}

/// Lists the versions that the numbers depend on.
pub(crate) fn versions(data: &Data) -> String {
    let mut table = Table::new([("What", Align::Left), ("Version", Align::Left)]);
    for (name, versions) in all_versions(data) {
        let list: Vec<_> = versions.into_iter().map(escape).collect();
        table.rows.push(vec![escape(name), list.join(", ")]);
    }
    table.captioned("versions that the numbers depend on")
}
