//! The functions of a template: every figure, table, chart and picture of a report comes through one of them.

use super::Facts;
use crate::{
    charts::Chart,
    claim::{Operand, Verdict},
    gallery,
    markdown::{code, count, escape, number, signed},
    metric::{METRICS, Metric},
    results, sections,
    spec::BASELINES,
    statistics::Summary,
    suggest::closest,
    tested::{self, TestedClaim},
};
use harness_record::digest;
use minijinja::{Environment, Error, ErrorKind, Value, value::Serde};
use serde::Serialize;
use std::sync::Arc;

type Answer = Result<Value, Error>;

/// Names of all functions, for suggestions.
pub(super) const FUNCTIONS: [&str; 23] = [
    "arms",
    "chart",
    "charts",
    "ci",
    "claim",
    "claims",
    "code",
    "compare",
    "comparability",
    "conditions",
    "contrast",
    "datasets",
    "gallery",
    "has_arm",
    "left_out",
    "metric_label",
    "not_run",
    "published",
    "runs",
    "settings",
    "table",
    "value",
    "versions",
];

/// Registers all functions.
pub(super) fn add(environment: &mut Environment<'static>, facts: &Arc<Facts>) {
    /// Registers a function that owns the facts.
    macro_rules! add {
        ($name:literal, $f:expr, $($arg:ident),*) => {{
            let facts = Arc::clone(facts);
            environment.add_function($name, move |$($arg: &str),*| -> Answer { $f(&facts, $($arg),*) });
        }};
    }
    add!("value", value, operand, protocol);
    add!("ci", interval, operand, protocol);
    add!("published", published, operand);
    add!("compare", compare, left, right, protocol);
    add!("contrast", |f, a, b, c, d, p| contrast(f, [a, b], [c, d], p), a, b, c, d, protocol);
    add!("table", table, protocol);
    add!("comparability", comparability, protocol);
    add!("chart", chart, name);
    add!("charts", |f: &Facts, kind: &str| charts(f, kind), kind);
    add!("claim", claim, name);
    add!("metric_label", |_: &Facts, name: &str| metric(name).map(|m| Value::from(m.label)), name);
    add!("has_arm", |f: &Facts, name: &str| Ok(Value::from(f.data.study.arms.iter().any(|a| a.name == name))), name);
    add!("code", |_: &Facts, text: &str| safe(code(text)), text);
    add_lists(environment, facts);
}

/// A function without arguments.
type List = fn(&Facts) -> String;

/// Functions without arguments: whole sections.
fn add_lists(environment: &mut Environment<'static>, facts: &Arc<Facts>) {
    let lists: [(&'static str, List); 10] = [
        ("arms", |f| sections::arms(&f.data)),
        ("claims", |f| claims(f, |_| true)),
        ("conditions", |f| sections::conditions(&f.data)),
        ("datasets", |f| sections::datasets(&f.data)),
        ("gallery", |f| gallery::to_markdown(&f.data, &f.sheets)),
        ("left_out", |f| sections::left_out(&f.data)),
        ("not_run", |f| results::printed_without_run(&f.data)),
        ("runs", |f| sections::runs(&f.data)),
        ("settings", |f| sections::settings(&f.data)),
        ("versions", |f| sections::versions(&f.data)),
    ];
    for (name, list) in lists {
        let facts = Arc::clone(facts);
        environment.add_function(name, move || -> Answer { safe(list(&facts)) });
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every function of a template answers with a result")]
fn safe(text: String) -> Answer {
    Ok(Value::from_safe_string(text))
}

fn refuse(what: &str, name: &str, names: &[&str]) -> Error {
    let meant = closest(name, names.iter().copied()).map(|m| format!(" (did you mean `{m}`?)")).unwrap_or_default();
    let message = format!("no {what} is called `{name}`{meant}; there are {}", names.join(", "));
    Error::new(ErrorKind::InvalidOperation, message)
}

fn metric(name: &str) -> Result<&'static Metric, Error> {
    let names: Vec<_> = METRICS.iter().map(|m| m.name).collect();
    Metric::find(name).ok_or_else(|| refuse("metric", name, &names))
}

fn check_protocol(facts: &Facts, protocol: &str) -> Result<(), Error> {
    let names: Vec<_> = facts.data.study.protocols.iter().map(String::as_str).collect();
    if names.contains(&protocol) { Ok(()) } else { Err(refuse("protocol", protocol, &names)) }
}

/// `ARM[@CONDITION].METRIC`, with every name known.
fn operand(facts: &Facts, text: &str) -> Result<Operand, Error> {
    let operand: Operand = text.parse().map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("{e}")))?;
    let study = &facts.data.study;
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).chain(BASELINES).collect();
    if !arms.contains(&operand.arm.as_str()) {
        return Err(refuse("arm", &operand.arm, &arms));
    }
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.as_str()).collect();
    match &operand.condition {
        Some(name) if !conditions.contains(&name.as_str()) => return Err(refuse("condition", name, &conditions)),
        _ => {}
    }
    metric(&operand.metric)?;
    Ok(operand)
}

fn summary(facts: &Facts, text: &str, protocol: &str) -> Result<Option<Summary>, Error> {
    check_protocol(facts, protocol)?;
    let at = operand(facts, text)?;
    let condition = at.condition.as_deref().unwrap_or(facts.data.first_condition());
    Ok(facts.data.scores.summary(&at.arm, condition, metric(&at.metric)?, protocol))
}

/// `value("ssl@blur-0.dice", "corrected")`: the mean over images.
fn value(facts: &Facts, text: &str, protocol: &str) -> Answer {
    safe(summary(facts, text, protocol)?.map_or("not run".to_owned(), |s| number(s.mean)))
}

/// `ci("ssl@blur-0.dice", "corrected")`: its 95 % interval.
fn interval(facts: &Facts, text: &str, protocol: &str) -> Answer {
    safe(summary(facts, text, protocol)?.map_or("not run".to_owned(), |s| results::interval(&s)))
}

/// `published("ssl@blur-0.dice")`: the figure as it was printed.
fn published(facts: &Facts, text: &str) -> Answer {
    let at = operand(facts, text)?;
    let condition = at.condition.as_deref().unwrap_or(facts.data.first_condition());
    let printed = facts.data.printed(&at.arm, condition, &at.metric);
    safe(printed.map_or("not published".to_owned(), |p| escape(p.text)))
}

/// What `compare` answers with.
#[derive(Debug, Serialize)]
struct Compared {
    /// Whether both sides were run.
    run: bool,
    /// `higher`, `lower` or `level`: level if the interval holds zero.
    sign: &'static str,
    /// With its sign.
    difference: String,
    /// Without it.
    size: String,
    /// The 95 % interval.
    interval: String,
    images: String,
}

/// `compare("ssl.dice", "supervised.dice", "corrected")`: the paired difference left minus right, and its interval.
fn compare(facts: &Facts, left: &str, right: &str, protocol: &str) -> Answer {
    check_protocol(facts, protocol)?;
    let sides = [operand(facts, left)?, operand(facts, right)?];
    let seed = digest::seed(&["compare", left, right, protocol]);
    Ok(compared(tested::difference(&facts.data, [&sides[0], &sides[1]], 0.0, protocol, seed)))
}

/// `contrast("a@x.dice", "a@y.dice", "b@x.dice", "b@y.dice", "corrected")`: the paired difference of two changes,
/// (first minus second) minus (third minus fourth).
fn contrast(facts: &Facts, first: [&str; 2], second: [&str; 2], protocol: &str) -> Answer {
    check_protocol(facts, protocol)?;
    let mut changes = Vec::new();
    for [left, right] in [first, second] {
        changes.push([operand(facts, left)?, operand(facts, right)?]);
    }
    let seed = digest::seed(&["contrast", first[0], first[1], second[0], second[1], protocol]);
    Ok(compared(tested::contrast(&facts.data, [&changes[0], &changes[1]], protocol, seed)))
}

fn compared(found: Option<Summary>) -> Value {
    let none = || "not run".to_owned();
    Value::from(Serde(Compared {
        run: found.is_some(),
        sign: match found {
            Some(s) if s.low > 0.0 => "higher",
            Some(s) if s.high < 0.0 => "lower",
            _ => "level",
        },
        difference: found.map_or_else(none, |s| signed(s.mean)),
        size: found.map_or_else(none, |s| number(s.mean.abs())),
        interval: found.map_or_else(none, |s| results::interval(&s)),
        images: found.map_or_else(none, |s| count(s.images as u64)),
    }))
}

fn table(facts: &Facts, protocol: &str) -> Answer {
    check_protocol(facts, protocol)?;
    safe(results::tables(&facts.data, protocol))
}

fn comparability(facts: &Facts, protocol: &str) -> Answer {
    check_protocol(facts, protocol)?;
    safe(results::incomparable_because(&facts.data, protocol))
}

fn chart(facts: &Facts, name: &str) -> Answer {
    let names: Vec<_> = facts.charts.iter().map(|c| c.name.as_str()).collect();
    let chart = facts.charts.iter().find(|c| c.name == name).ok_or_else(|| refuse("chart", name, &names))?;
    safe(chart_markdown(chart))
}

/// `charts("by-condition")`: all charts of a kind.
fn charts(facts: &Facts, kind: &str) -> Answer {
    use crate::charts::ChartSpec::{ByCondition, TrainingCurves};
    let kinds = ["by-condition", "training-curves"];
    if !kinds.contains(&kind) {
        return Err(refuse("kind of chart", kind, &kinds));
    }
    let wanted = facts.data.study.report.charts.iter().zip(&facts.charts).filter(|(spec, _)| match spec {
        ByCondition(_) => kind == kinds[0],
        TrainingCurves(_) => kind == kinds[1],
    });
    safe(wanted.map(|(_, chart)| chart_markdown(chart)).collect::<Vec<_>>().join("\n"))
}

fn chart_markdown(chart: &Chart) -> String {
    let (title, alternative) = (escape(&chart.title), escape(&chart.alternative));
    format!("![{title}. {alternative}](charts/{}.svg)\n\nFigure: {title}. {}\n", chart.name, chart.caption)
}

fn claim(facts: &Facts, name: &str) -> Answer {
    let names: Vec<_> = facts.data.study.report.claims.iter().map(|c| c.name.as_str()).collect();
    if !names.contains(&name) {
        return Err(refuse("claim", name, &names));
    }
    safe(claims(facts, |tested| tested.claim.name == name))
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
    let Some((summary, verdict)) = tested.outcome else { return "**not run**".to_owned() };
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
