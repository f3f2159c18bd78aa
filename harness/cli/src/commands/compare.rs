//! `compare`: shows what changed between two results.

mod operand;
mod revision;
mod settings;

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    output::{count, say, say_json, table},
};
use harness_record::vocabulary::Split;
use harness_report::compare::{Change, Checked, Comparison, Gate, Row, compare, render};
use operand::Operand;
use serde_json::json;
use std::path::Path;

/// The number of settings and names listed of each kind; the page and `--json` show all.
const LISTED: usize = 30;
/// The number of characters shown of a setting.
const SHOWN: usize = 48;

pub(crate) fn run(options: &cli::Compare, folders: &Folders, here: &Path) -> Outcome {
    let a = Operand::parse(&options.a, folders, here)?.read(folders)?;
    let b = Operand::parse(&options.b, folders, here)?.read(folders)?;
    let gates = &options.fail_on_regression;
    let comparison = compare(&a, &b, &options.metric, gates)?;
    let checked = checked(&comparison, gates)?;
    if let Some(out) = &options.out {
        let files = render(&comparison, gates, &folders.root.join("templates")).map_err(Failure::run)?;
        for file in &files {
            harness_report::write_file(out, file)?;
        }
    }
    let untested: Vec<&Row> = checked.iter().flat_map(|gate| gate.untested.iter().copied()).collect();
    if options.json {
        let regressions: Vec<_> = checked.iter().flat_map(|gate| &gate.regressions).collect();
        let mut value = serde_json::to_value(&comparison).map_err(Failure::run)?;
        value["regressions"] = serde_json::to_value(&regressions).map_err(Failure::run)?;
        value["untested"] = serde_json::to_value(&untested).map_err(Failure::run)?;
        value["page"] = json!(options.out.as_ref().map(|out| out.join("index.html").display().to_string()));
        say_json(&value)?;
    } else {
        tell(&comparison, &checked)?;
        if let Some(out) = &options.out {
            say(&format!("\npage: {}", out.join("index.html").display()))?;
        }
    }
    let regressions = checked.iter().flat_map(|gate| &gate.regressions).filter(|found| found.counts).count();
    match (regressions, untested.len()) {
        (0, 0) => Ok(()),
        // A check that could not be made must not look like one that passed.
        (0, n) => Err(Failure::data(format!(
            "--fail-on-regression could not be tested for {}: a test needs at least three seeds on each side, as from \
             `harness study NAME --seeds 0,1,2`",
            count(n, "figure")
        ))),
        (n, _) => Err(Failure::Check(format!("{} worse by more than allowed", count(n, "figure")))),
    }
}

/// Checks every gate. A gate without any comparable figure is an error: it must not pass.
fn checked<'a>(comparison: &'a Comparison, gates: &[Gate]) -> Outcome<Vec<Checked<'a>>> {
    let check = |gate: &Gate| {
        gate.check(comparison).ok_or_else(|| {
            Failure::data(format!("--fail-on-regression {}: no figure of this metric can be compared", gate.metric))
        })
    };
    gates.iter().map(check).collect()
}

fn tell(comparison: &Comparison, checked: &[Checked<'_>]) -> Outcome {
    let Comparison { a, b, rows, .. } = comparison;
    say(&table(
        &[("A", a), ("B", b)].map(|(side, about)| vec![side.to_owned(), about.name.clone(), about.title.clone()]),
    ))?;
    if !rows.is_empty() {
        say(&format!("\n{}", differences(rows)))?;
        say(&format!("\n{}", legend(rows)))?;
        for note in notes(rows) {
            say(&note)?;
        }
    }
    let unlike = comparison.unlike.iter().map(|one| format!("{} of {}: {}", one.metric, one.place.in_words(), one.why));
    tell_list("not comparable:", unlike)?;
    tell_list(
        "only on one side:",
        comparison.only.iter().map(|one| format!("{}: {} {}", one.side, one.what, one.name)),
    )?;
    tell_circumstances(comparison)?;
    if checked.is_empty() {
        return Ok(());
    }
    let untested = checked.iter().flat_map(|gate| &gate.untested);
    tell_list(
        "not tested for regressions:",
        untested.map(|row| format!("{} of {}", row.metric, row.place.in_words())),
    )?;
    let regressions: Vec<_> = checked.iter().flat_map(|gate| &gate.regressions).collect();
    if regressions.is_empty() {
        let tested = checked.iter().all(|gate| gate.untested.is_empty());
        return say(if tested { "\nregressions: none" } else { "\nregressions: none among the tested figures" });
    }
    tell_list(
        "regressions:",
        regressions.iter().map(|found| {
            let shown = found.row.shown();
            let text = format!(
                "{} of {}: {}, allowed {}",
                found.row.metric,
                found.row.place.in_words(),
                shown.difference,
                found.threshold
            );
            if found.counts { text } else { format!("{text}; does not count, because it is undecided") }
        }),
    )
}

/// The table of differences. The split column is left out when every row is of the test split.
fn differences(rows: &[Row]) -> String {
    let splits = rows.iter().any(|row| row.place.split != Split::Test);
    let mut heads = vec!["arm", "protocol", "condition"];
    heads.extend(splits.then_some("split"));
    heads.extend(["metric", "A", "B", "B - A", "95 % interval", "p", "images", "seeds", "change"]);
    let mut cells = vec![heads.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    cells.extend(rows.iter().map(|row| {
        let (place, shown) = (&row.place, row.shown());
        let mut line = vec![place.arm.in_words(), place.protocol.in_words(), place.condition.in_words()];
        line.extend(splits.then(|| place.split.to_string()));
        let mark = row.note.as_ref().map_or("", |_| " *");
        line.extend([
            row.metric.clone(),
            shown.a,
            shown.b,
            shown.difference,
            shown.interval,
            shown.p,
            shown.images,
            shown.seeds,
        ]);
        line.push(format!("{}{mark}", shown.change));
        line
    }));
    table(&cells)
}

fn legend(rows: &[Row]) -> String {
    let tested = rows.iter().filter(|row| row.p.is_some()).count();
    match tested {
        0 if rows.iter().all(|row| row.change == Change::Same) => "there is nothing to test".to_owned(),
        0 => "no row is tested: a test needs at least three seeds on each side".to_owned(),
        n => format!("p: over seeds and images, corrected by Holm's method for {}", count(n, "tested row")),
    }
}

/// Explains the stars in the table: each note once, with its number of rows.
fn notes(rows: &[Row]) -> Vec<String> {
    let mut notes: Vec<(&str, usize)> = Vec::new();
    for note in rows.iter().filter_map(|row| row.note.as_deref()) {
        match notes.iter_mut().find(|(known, _)| *known == note) {
            Some((_, n)) => *n += 1,
            None => notes.push((note, 1)),
        }
    }
    notes.into_iter().map(|(note, n)| format!("* {}: {note}", count(n, "row"))).collect()
}

fn tell_list(head: &str, items: impl Iterator<Item = String>) -> Outcome {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return Ok(());
    }
    say(&format!("\n{head}"))?;
    for item in items.iter().take(LISTED) {
        say(&format!("  {}", harness_study::spec::diagnosis::printable(item)))?;
    }
    match items.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => say(&format!("  and {more} more")),
    }
}

fn tell_circumstances(comparison: &Comparison) -> Outcome {
    let all = &comparison.circumstances;
    if all.is_empty() {
        return say("\nsettings, versions, commits, devices and data are the same");
    }
    let value = |value: &Option<String>| value.as_ref().map_or_else(|| "-".to_owned(), |text| shortened(text));
    let mut cells = vec![["of", "field", "A", "B"].map(str::to_owned).to_vec()];
    cells.extend(
        all.iter()
            .take(LISTED)
            .map(|one| vec![one.topic.in_words().to_owned(), one.field.clone(), value(&one.a), value(&one.b)]),
    );
    say(&format!("\nother differences:\n{}", table(&cells)))?;
    match all.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => say(&format!("and {more} more; --out and --json list all")),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
