//! Claims as a list, each with its verdicts.

use super::{
    Facts,
    functions::{Answer, safe},
    operands::refuse,
};
use crate::{
    claim::Verdict,
    markdown::{code, count, escape, signed},
    tested::{TestedClaim, Untested},
};

/// `claim("blur-hurts")`: one claim.
pub(super) fn one(facts: &Facts, name: &str) -> Answer {
    let names: Vec<_> = facts.data.study.report.claims.iter().map(|c| c.name.as_str()).collect();
    if !names.contains(&name) {
        return Err(refuse("claim", name, &names));
    }
    safe(claims(facts, |tested| tested.claim.name == name))
}

/// `claims()`: all of them.
pub(super) fn all(facts: &Facts) -> String {
    claims(facts, |_| true)
}

/// Claims as a list: the sentence, and the verdict under each protocol.
fn claims(facts: &Facts, wanted: impl Fn(&TestedClaim) -> bool) -> String {
    let mut lines = Vec::new();
    for claim in &facts.data.study.report.claims {
        let tested: Vec<_> = facts.claims.iter().filter(|t| t.claim.name == claim.name && wanted(t)).collect();
        if tested.is_empty() {
            continue;
        }
        lines.push(format!("* {} ({})", escape(&claim.text), code(&claim.expect)));
        lines.extend(tested.iter().map(|one| format!("  * {} protocol: {}", escape(&one.protocol), outcome(one))));
    }
    lines.join("\n") + "\n"
}

fn outcome(tested: &TestedClaim) -> String {
    let (summary, verdict) = match &tested.outcome {
        Ok(outcome) => outcome,
        Err(Untested::NotRun) => return "**not run**".to_owned(),
        Err(reason) => return format!("**not comparable**: {}", escape(&reason.to_string())),
    };
    let reading = match verdict {
        Verdict::Undecided => "; the interval holds both sides",
        Verdict::Supported | Verdict::Contradicted => "",
    };
    let offset = if tested.comparison.offset == 0.0 { "" } else { " beyond the stated margin" };
    format!(
        "**{verdict}**, mean difference{offset} {} ({} to {}, {} images){reading}",
        signed(summary.mean),
        signed(summary.low),
        signed(summary.high),
        count(summary.images as u64)
    )
}
