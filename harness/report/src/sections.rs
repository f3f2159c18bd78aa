//! Sections that are lists of facts: settings, data, runs.

use crate::{
    data::Data,
    input::{DatasetInput, RunSummary, file::short},
    markdown::{Align, Table, code, count, escape, listed},
    run::runs_of,
    trace::page_of,
};
use harness_record::rows::FileRow;
use std::collections::{BTreeMap, BTreeSet};

/// The most skipped files that are listed by name; the rest are counted.
const LISTED: usize = 40;
/// The most different reasons that are named.
const REASONS: usize = 10;

/// Settings of every arm, a table a stage; arms with equal settings share a column.
pub(crate) fn settings(data: &Data) -> String {
    let mut stages: Vec<&str> = Vec::new();
    for stage in data.study.settings.iter().flat_map(|arm| &arm.stages) {
        if !stages.contains(&stage.stage.as_str()) {
            stages.push(&stage.stage);
        }
    }
    stages.iter().map(|stage| stage_settings(data, stage)).collect::<Vec<_>>().join("\n")
}

/// Labels of the arms that share the settings of a stage, and the settings.
type Group<'a> = (Vec<&'a str>, &'a [(String, String)]);

fn stage_settings(data: &Data, stage: &str) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for arm in &data.study.settings {
        for found in arm.stages.iter().filter(|s| s.stage == stage) {
            match groups.iter_mut().find(|(_, lines)| *lines == found.lines) {
                Some((arms, _)) => arms.push(data.arm_label(&arm.arm)),
                None => groups.push((vec![data.arm_label(&arm.arm)], &found.lines)),
            }
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in groups.iter().flat_map(|(_, lines)| lines.iter()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let heads = groups.iter().map(|(arms, _)| escape(&listed(arms)));
    let mut table = Table::new(std::iter::once("Setting".to_owned()).chain(heads).map(|head| (head, Align::Left)));
    for name in names {
        let values = groups.iter().map(|(_, lines)| {
            lines.iter().find(|(n, _)| n == name).map_or("–".to_owned(), |(_, value)| escape(value))
        });
        table.rows.push(std::iter::once(escape(name)).chain(values).collect());
    }
    table.captioned(&format!("settings of stage {}", escape(stage)))
}

/// Arms in words.
pub(crate) fn arms(data: &Data) -> String {
    let lines = data.study.arms.iter().map(|arm| format!("* **{}**: {}", escape(&arm.label), escape(&arm.description)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Conditions in words.
pub(crate) fn conditions(data: &Data) -> String {
    let mut table = Table::new([("Condition", Align::Left), ("What is done to the test images", Align::Left)]);
    for condition in &data.study.conditions {
        let detail = if condition.detail.is_empty() { "nothing" } else { &condition.detail };
        table.rows.push(vec![escape(&condition.label), escape(detail)]);
    }
    table.captioned("conditions of the test")
}

/// Data sets, with counts.
pub(crate) fn datasets(data: &Data) -> String {
    let with_arms = data.datasets.iter().any(|set| !set.arms.is_empty());
    let with_protocols = data.datasets.iter().any(|set| !set.protocols.is_empty());
    let arms = with_arms.then_some(("Arms", Align::Left));
    let protocols = with_protocols.then_some(("Protocol", Align::Left));
    let columns = [("Data set", Align::Left), ("Role", Align::Left)].into_iter().chain(arms).chain(protocols).chain([
        ("Split", Align::Left),
        ("Images", Align::Right),
        ("Size", Align::Right),
        ("Licence", Align::Left),
        ("Digest", Align::Left),
    ]);
    let mut table = Table::new(columns);
    for (i, set) in data.datasets.iter().enumerate() {
        for split in &set.splits {
            let mut cells = vec![escape(&set.dataset), escape(&set.role)];
            cells.extend(with_arms.then(|| if set.arms.is_empty() { "all".to_owned() } else { arm_list(data, set) }));
            let protocols = if set.protocols.is_empty() { "all".to_owned() } else { escape(&set.protocols.join(", ")) };
            cells.extend(with_protocols.then_some(protocols));
            cells.extend([
                escape(&split.split),
                // Where they are counted by breed.
                format!("[{}](data.html#set-{})", count(split.images), i + 1),
                format!("{0} × {0} px", set.size),
                escape(&set.licence),
                code(short(&set.digest)),
            ]);
            table.rows.push(cells);
        }
    }
    let citations: BTreeSet<_> = data.datasets.iter().map(|set| &set.citation).filter(|c| !c.is_empty()).collect();
    let citations: Vec<_> = citations.into_iter().map(|c| format!("* {}", escape(c))).collect();
    let cited = if citations.is_empty() {
        String::new()
    } else {
        format!("\nTo cite for these data:\n\n{}\n", citations.join("\n"))
    };
    let repeated: String = data.datasets.iter().filter_map(|set| repeated(data, set)).collect();
    table.captioned("data sets as they were used") + &repeated + &cited
}

/// What became of pictures that show the same as another one, where that was looked for.
fn repeated(data: &Data, set: &DatasetInput) -> Option<String> {
    let repeated = set.repeated?;
    let became = if repeated.removed { "they were left out" } else { "they were used" };
    Some(format!(
        "\nOf {}, pictures that show the same as another one, pixel for pixel: {}; {became}.\n",
        used(data, set),
        count(repeated.pictures)
    ))
}

/// A data set, and in brackets which arms and protocols used it in this way, where not all did.
fn used(data: &Data, set: &DatasetInput) -> String {
    let arms = (!set.arms.is_empty()).then(|| format!("used by {}", arm_list(data, set)));
    let protocols = set.protocols.join(", ");
    let protocols = (!protocols.is_empty()).then(|| format!("under the protocol {}", escape(&protocols)));
    let by: Vec<String> = arms.into_iter().chain(protocols).collect();
    let name = escape(&set.dataset);
    if by.is_empty() { name } else { format!("{name} ({})", by.join(" ")) }
}

fn arm_list(data: &Data, set: &DatasetInput) -> String {
    escape(&listed(&data.arm_labels(&set.arms)))
}

/// Files that were left out, with reasons: by name where they are few. What several uses of a data set leave out alike
/// is listed once.
pub(crate) fn left_out(data: &Data) -> String {
    let mut sets: Vec<DatasetInput> = Vec::new();
    for set in data.datasets.iter().filter(|set| !set.left_out.is_empty()) {
        match sets.iter_mut().find(|other| other.dataset == set.dataset && other.left_out == set.left_out) {
            Some(other) => {
                other.arms = united(&other.arms, &set.arms);
                other.protocols = united(&other.protocols, &set.protocols);
            }
            None => sets.push(set.clone()),
        }
    }
    // All of them need not be named.
    for set in &mut sets {
        if data.study.arms.iter().all(|arm| set.arms.contains(&arm.name)) {
            set.arms.clear();
        }
        if data.study.protocols.iter().all(|protocol| set.protocols.contains(protocol)) {
            set.protocols.clear();
        }
    }
    if sets.is_empty() {
        return "No file was left out.\n".to_owned();
    }
    sets.iter().map(|set| left_out_of(data, set)).collect::<Vec<_>>().join("\n")
}

/// What is in one of the lists; all of it, which is written as an empty list, if one has all.
fn united(one: &[String], other: &[String]) -> Vec<String> {
    if one.is_empty() || other.is_empty() {
        return Vec::new();
    }
    one.iter().chain(other.iter().filter(|name| !one.contains(name))).cloned().collect()
}

/// Reasons for leaving files out, each with its number of files. Of very many only the most frequent are named.
fn reasons(left_out: &[FileRow]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in left_out {
        *counts.entry(&row.reason).or_default() += 1;
    }
    let mut reasons: Vec<(&str, u64)> = counts.into_iter().collect();
    let mut others = Vec::new();
    if reasons.len() > REASONS {
        reasons.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
        others = reasons.split_off(REASONS);
    }
    let mut sums: Vec<String> =
        reasons.iter().map(|(reason, n)| format!("{} ({})", escape(reason), count(*n))).collect();
    if !others.is_empty() {
        let files = others.iter().map(|(_, files)| files).sum();
        sums.push(format!("and {} other reasons ({})", count(others.len() as u64), count(files)));
    }
    sums.join("; ")
}

fn left_out_of(data: &Data, set: &DatasetInput) -> String {
    let total = count(set.left_out.len() as u64);
    let files = if set.left_out.len() == 1 { "file was" } else { "files were" };
    let name = escape(&set.dataset);
    let mut text = format!("{}: {total} {files} left out; {}.\n\n", used(data, set), reasons(&set.left_out));
    let mut table = Table::new(["File", "Group", "Split", "Reason"].map(|head| (head, Align::Left)));
    for row in set.left_out.iter().take(LISTED) {
        table.rows.push([&row.file, &row.group, &row.split, &row.reason].map(|t| escape(t)).into());
    }
    let caption = if set.left_out.len() > LISTED {
        format!("the first {LISTED} of {total} files left out of {name}; all are in data/datasets.json")
    } else {
        format!("files left out of {name}")
    };
    text += &table.captioned(&caption);
    text
}

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

pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0 if seconds > 0.0 => "under 1 s".to_owned(),
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min", (whole + 30) / 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
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

/// Every version that some run names.
pub(crate) fn all_versions(data: &Data) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in data.runs.iter().flat_map(|run| &run.record.versions) {
        all.entry(name).or_default().insert(version);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        let read = [0.0, 0.2, 4.6, 119.0, 600.0, 7260.0].map(duration);
        assert_eq!(read, ["0 s", "under 1 s", "5 s", "119 s", "10 min", "2 h 1 min"]);
    }

    #[test]
    fn of_very_many_reasons_only_the_most_frequent_are_named() {
        let row = |reason: String| FileRow { split: String::new(), file: String::new(), group: String::new(), reason };
        let mut rows: Vec<FileRow> = (0..9).map(|n| row(format!("reason {n}"))).collect();
        rows.push(row("the file is empty".to_owned()));
        rows.push(row("the file is empty".to_owned()));
        assert!(reasons(&rows).starts_with("reason 0 (1); reason 1 (1); "), "{}", reasons(&rows));
        assert!(reasons(&rows).ends_with("; the file is empty (2)"), "{}", reasons(&rows));
        rows.extend((0..1000).map(|n| row(format!("like {n}"))));
        let text = reasons(&rows);
        assert!(text.starts_with("the file is empty (2); like 0 (1); "), "{text}");
        assert!(text.ends_with("; and 1,000 other reasons (1,000)"), "{text}");
    }
}
