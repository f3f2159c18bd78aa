//! The health checks of a report, as a list above its answer.

use crate::{
    figures::{
        claim::Verdict,
        data::Data,
        health::{Checked, Finding, Severity},
        tested::TestedClaim,
    },
    markdown::{capitalised, count},
};

/// Lists the checks: those that failed, those that warn, and the names of the others.
pub(crate) fn checks(data: &Data, claims: &[TestedClaim]) -> String {
    let all = &data.health.0;
    let of = |severity: Severity, checked: &Checked| {
        let found = checked.found.iter().flatten().filter(|finding| finding.severity == severity);
        found.map(|finding| (checked.name, finding.clone())).collect::<Vec<_>>()
    };
    let all_of = |severity| all.iter().flat_map(|checked| of(severity, checked)).collect::<Vec<_>>();
    let mut lines: Vec<String> = Vec::new();
    for (severity, word) in [(Severity::Fails, "Failed"), (Severity::Warns, "Warning")] {
        let line = |(name, finding): (&str, Finding)| format!("* **{word}: {name}.** {}", finding.found);
        lines.extend(all_of(severity).into_iter().map(line));
    }
    let passed: Vec<_> =
        all.iter().filter(|one| one.found.as_ref().is_ok_and(Vec::is_empty)).map(|one| one.name.to_owned()).collect();
    if !passed.is_empty() {
        lines.push(format!("* Passed: {}.", passed.join(", ")));
    }
    let unknown: Vec<_> =
        all.iter().filter_map(|one| Some(format!("{} ({})", one.name, one.found.as_ref().err()?))).collect();
    if !unknown.is_empty() {
        lines.push(format!("* Not checked: {}.", unknown.join("; ")));
    }
    format!("{}\n\n{}\n", summary(data, claims), lines.join("\n"))
}

/// Says how many checks failed or warn, and how many verdicts are withheld.
fn summary(data: &Data, claims: &[TestedClaim]) -> String {
    let has = |severity: Severity| {
        let found = |one: &&Checked| one.found.iter().flatten().any(|finding| finding.severity == severity);
        data.health.0.iter().filter(found).count() as u64
    };
    let withheld = claims.iter().filter_map(|claim| claim.outcome.as_ref().ok());
    let withheld = withheld.filter(|found| found.verdict == Verdict::Withheld).count() as u64;
    let checks = |n: u64| format!("{} {}", count(n), if n == 1 { "check" } else { "checks" });
    let said = match (has(Severity::Fails), has(Severity::Warns)) {
        (0, 0) => "no check of the records found a problem".to_owned(),
        (0, warn) => format!("{} of the records {}", checks(warn), if warn == 1 { "warns" } else { "warn" }),
        (fail, 0) => format!("{} of the records failed", checks(fail)),
        (fail, warn) => format!(
            "{} of the records failed and {} {}",
            checks(fail),
            count(warn),
            if warn == 1 { "warns" } else { "warn" }
        ),
    };
    let withheld = match withheld {
        0 => String::new(),
        1 => ", so 1 verdict is withheld".to_owned(),
        n => format!(", so {} verdicts are withheld", count(n)),
    };
    let effect = match (has(Severity::Fails), has(Severity::Warns)) {
        (0, 0) => "",
        (0, _) => " A warning leaves verdicts as they are.",
        (_, 0) => " Comparisons with an arm that failed have no verdict.",
        _ => " Comparisons with an arm that failed have no verdict; a warning leaves verdicts as they are.",
    };
    format!("{}{withheld}.{effect}", capitalised(&said))
}
