//! Data sets as they were used, and the files that were left out.

use crate::{
    figures::data::Data,
    inputs::{datasets::DatasetInput, file::short},
    markdown::{Align, Table, code, count, escape, listed},
};
use harness_record::{rows::FileRow, vocabulary::Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of skipped files that are listed by name; the rest are counted.
const LISTED: usize = 40;
/// The maximum number of different reasons that are named.
const REASONS: usize = 10;

/// Returns the data sets with their counts.
pub(crate) fn datasets(data: &Data) -> String {
    let with_arms = data.study.datasets.iter().any(|set| !set.arms.is_empty());
    let with_protocols = data.study.datasets.iter().any(|set| !set.protocols.is_empty());
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
    for (i, set) in data.study.datasets.iter().enumerate() {
        for split in &set.splits {
            let mut cells = vec![escape(&set.dataset), set.purpose.to_string()];
            cells.extend(with_arms.then(|| if set.arms.is_empty() { "all".to_owned() } else { arm_list(data, set) }));
            let protocols = if set.protocols.is_empty() { "all".to_owned() } else { protocol_list(&set.protocols) };
            cells.extend(with_protocols.then_some(protocols));
            cells.extend([
                split.split.to_string(),
                // The link leads to the counts by breed.
                format!("[{}](data.html#set-{})", count(split.images), i + 1),
                format!("{0} × {0} px", set.size),
                escape(&set.licence),
                code(short(&set.digest)),
            ]);
            table.rows.push(cells);
        }
    }
    let citations: BTreeSet<_> =
        data.study.datasets.iter().map(|set| &set.citation).filter(|c| !c.is_empty()).collect();
    let citations: Vec<_> = citations.into_iter().map(|c| format!("* {}", escape(c))).collect();
    let cited = if citations.is_empty() {
        String::new()
    } else {
        format!("\nCitations for these data:\n\n{}\n", citations.join("\n"))
    };
    let repeated: String = data.study.datasets.iter().filter_map(|set| repeated(data, set)).collect();
    table.captioned("data sets as used") + &repeated + &cited
}

/// Says whether repeated pictures were left out, if the data set was checked for them.
fn repeated(data: &Data, set: &DatasetInput) -> Option<String> {
    let repeated = set.repeated?;
    let became = if repeated.removed { "they were left out" } else { "they were used" };
    Some(format!(
        "\nPictures of {} that are identical to another one, pixel for pixel: {}; {became}.\n",
        used(data, set),
        count(repeated.pictures)
    ))
}

/// Returns the name of a data set, followed in brackets by the arms and protocols that used it in this way if not all
/// did.
fn used(data: &Data, set: &DatasetInput) -> String {
    let arms = (!set.arms.is_empty()).then(|| format!("used by {}", arm_list(data, set)));
    let protocols =
        (!set.protocols.is_empty()).then(|| format!("under the protocol {}", protocol_list(&set.protocols)));
    let by: Vec<String> = arms.into_iter().chain(protocols).collect();
    let name = escape(&set.dataset);
    if by.is_empty() { name } else { format!("{name} ({})", by.join(" ")) }
}

fn protocol_list(protocols: &[Protocol]) -> String {
    protocols.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", ")
}

fn arm_list(data: &Data, set: &DatasetInput) -> String {
    escape(&listed(&data.arm_labels(&set.arms)))
}

/// Lists the files that were left out, with reasons; files are named if there are few. If several uses of a data set
/// left out the same files, they are listed once.
pub(crate) fn left_out(data: &Data) -> String {
    let mut sets: Vec<DatasetInput> = Vec::new();
    for set in data.study.datasets.iter().filter(|set| !set.left_out.is_empty()) {
        match sets.iter_mut().find(|other| other.dataset == set.dataset && other.left_out == set.left_out) {
            Some(other) => {
                other.arms = united(&other.arms, &set.arms);
                other.protocols = united(&other.protocols, &set.protocols);
            }
            None => sets.push(set.clone()),
        }
    }
    // If all arms or protocols are listed, they need not be named.
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

/// Returns the union of two lists. An empty list means all, so the union with it is empty, too.
fn united<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
    if one.is_empty() || other.is_empty() {
        return Vec::new();
    }
    one.iter().chain(other.iter().filter(|name| !one.contains(name))).cloned().collect()
}

/// Lists the reasons for leaving files out, each with its number of files. If there are too many, only the most
/// frequent are named.
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
        table.rows.push([row.file.as_str(), &row.group, row.used.name(), &row.reason].map(escape).into());
    }
    let caption = if set.left_out.len() > LISTED {
        format!("the first {LISTED} of {total} files left out of {name}; all are in data/study.json")
    } else {
        format!("files left out of {name}")
    };
    text += &table.captioned(&caption);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_record::vocabulary::FileUse;

    #[test]
    fn of_very_many_reasons_only_the_most_frequent_are_named() {
        let row = |reason: String| FileRow { used: FileUse::Unused, file: String::new(), group: String::new(), reason };
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
