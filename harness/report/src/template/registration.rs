//! What was registered before the results, and which tests are known, for `partials/registration.md.j2`.

use super::facts::Facts;
use crate::{
    figures::data::Data,
    inputs::{
        provenance::{Opening, Tests},
        registration::{Edit, Locked, Occasion},
    },
    markdown::{Align, Table, count, escape},
};
use harness_record::vocabulary::Stage;
use minijinja::{Value, value::Serde};
use serde::Serialize;
use std::collections::BTreeSet;

/// The value that `registration` returns.
#[derive(Debug, Default, Serialize)]
struct Shown {
    /// `None` if nothing is registered.
    occasion: Option<Occasion>,
    /// SHA-256 of what was registered.
    digest: String,
    /// What an edit is called.
    edited: &'static str,
    /// The parts that are different now.
    edits: Vec<Edit>,
    /// These parts as a table in Markdown; empty if there are none.
    table: String,
    /// True if the tests of the study are known.
    tests_known: bool,
    /// The number of different settings of the study that were tested.
    opened: usize,
    /// The number of other tests on the same test images: `no`, `one`, `1,234`.
    others: String,
    /// The number of the study's own tests that the report does not show, and where they belong.
    hidden_tests: usize,
    hidden: Vec<Hidden>,
}

/// Tests of one setting of the study that the report does not show.
#[derive(Debug, Serialize)]
struct Hidden {
    /// The settings that were changed on the command line.
    set: Vec<String>,
    /// True if the report shows other tests of the same settings.
    shown: bool,
    seeds: String,
    tests: usize,
}

/// `registration()`: what was registered, and the tests that are known.
pub(super) fn registration(facts: &Facts) -> Value {
    Value::from(Serde(shown(&facts.data)))
}

fn shown(data: &Data) -> Shown {
    let mut shown = Shown::default();
    if let Some(registration) = &data.registration {
        shown.occasion = Some(registration.occasion);
        registration.digest().clone_into(&mut shown.digest);
        shown.edited = registration.edited();
        shown.edits = registration.locked.edits(&Locked::of(&data.study));
        shown.table = table(&shown.edits);
    }
    if let Some(Tests { opened, others }) = data.provenance.tests(&data.report_name()) {
        let tests = data.runs.places().filter(|(place, _)| place.stage == Stage::Evaluate);
        let own: BTreeSet<&str> = tests.map(|(place, _)| place.run.short()).collect();
        shown.tests_known = true;
        shown.opened = opened.len();
        shown.others = match others.len() {
            0 => "no".to_owned(),
            1 => "one".to_owned(),
            many => count(many as u64),
        };
        shown.hidden = opened.iter().filter_map(|opening| hidden(opening, &own)).collect();
        shown.hidden_tests = shown.hidden.iter().map(|hidden| hidden.tests).sum();
    }
    shown
}

fn table(edits: &[Edit]) -> String {
    if edits.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["Part", "Registered", "Now"].map(|head| (head, Align::Left)));
    let cell = |text: &Option<String>, none: &str| text.as_ref().map_or_else(|| none.to_owned(), |text| escape(text));
    table.rows = edits
        .iter()
        .map(|Edit { part, was, now }| {
            vec![escape(part), cell(was, "not there; added later"), cell(now, "not there any more")]
        })
        .collect();
    table.captioned("parts of the study that were edited later")
}

/// Returns the tests of an opening that are not among the report's `own`; `None` if there are none.
fn hidden(opening: &Opening, own: &BTreeSet<&str>) -> Option<Hidden> {
    let is_own = |run: &String| own.contains(run.as_str());
    let others = opening.tests.iter().map(|(seed, runs)| (seed, runs.iter().filter(|run| !is_own(run)).count()));
    let others: Vec<_> = others.filter(|(_, tests)| *tests > 0).collect();
    let seeds: Vec<_> = others.iter().map(|(seed, _)| seed.to_string()).collect();
    (!others.is_empty()).then(|| Hidden {
        set: opening.set.clone(),
        shown: opening.tests.values().flatten().any(is_own),
        seeds: seeds.join(", "),
        tests: others.iter().map(|(_, tests)| tests).sum(),
    })
}
