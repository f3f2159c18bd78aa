//! The reproducibility checklist: what the records of a report show is ticked, what they cannot show is left open.
//!
//! Its questions are those of the paper checklist of `NeurIPS` that records can answer, and those that only authors can.

mod items;

use crate::{
    figures::{data::Data, tested::TestedClaim},
    markdown::count,
};
use std::fmt::Write as _;

/// The heading under which an item stands, and its items.
type Group = (&'static str, Vec<items::Item>);

/// The checklist as Markdown.
pub(crate) fn checklist(data: &Data, claims: &[TestedClaim]) -> String {
    let groups: [Group; 4] = [
        ("Claims and limits", items::claims(data, claims)),
        ("Data and models", items::data(data)),
        ("Experiments", items::experiments(data, claims)),
        ("Code and compute", items::code_and_compute(data)),
    ];
    let all = || groups.iter().flat_map(|(_, items)| items);
    let known = all().filter(|item| item.answer.is_ok()).count();
    let mut text = format!(
        "Of {} items, the records of this report show {}; the others are open.\n",
        count(all().count() as u64),
        count(known as u64)
    );
    for (heading, items) in &groups {
        // Writing to memory cannot fail.
        let _ = write!(text, "\n### {heading}\n\n");
        for items::Item { name, answer } in items {
            let (tick, answer) = match answer {
                Ok(shown) => ('x', shown),
                Err(missing) => (' ', missing),
            };
            let _ = writeln!(text, "* [{tick}] **{name}**: {answer}");
        }
    }
    text
}
