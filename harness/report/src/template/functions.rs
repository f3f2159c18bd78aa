//! The functions of a template. Every figure, table, chart and picture of a report comes from one of them.

use super::{
    answer::{Answer, refuse, safe},
    arguments::{check_count, texts},
    checklist::checklist,
    facts::Facts,
    figures,
    operands::{metric, protocol},
    registration::registration,
    statements::statements,
    training::training,
};
use crate::{
    charts::{ChartSpec, chart::Chart},
    figures::{data::Data, metrics::Metric},
    markdown::{code, escape},
    pictures::gallery,
    sections::{claims, datasets, definitions, health, images, methods, pixels, printed_tables, results, runs},
};
use harness_record::vocabulary::Protocol;
use minijinja::{Environment, Value, value::Rest};
use std::sync::Arc;

/// The names of all functions, for suggestions.
pub(super) const FUNCTIONS: [&str; 50] = [
    "arms",
    "by_breed",
    "by_species",
    "calibration",
    "ceiling",
    "chart",
    "charts",
    "checklist",
    "ci",
    "claim",
    "claim_verdict",
    "claims",
    "code",
    "compare",
    "comparability",
    "conditions",
    "confusion",
    "contrast",
    "datasets",
    "definitions",
    "diff",
    "diffs",
    "extreme_images",
    "floor",
    "gallery",
    "has_arm",
    "has_baseline",
    "has_model",
    "has_range",
    "health",
    "left_out",
    "metric_label",
    "not_run",
    "percent_change",
    "position",
    "printed_tables",
    "published",
    "ranking",
    "registration",
    "runs",
    "settings",
    "species_compare",
    "species_value",
    "statements",
    "table",
    "training",
    "value",
    "versions",
    "was_published",
    "was_run",
];

/// Registers all functions.
pub(super) fn add(environment: &mut Environment<'static>, facts: &Arc<Facts>) {
    /// Registers a function with text arguments that shares the facts.
    macro_rules! add {
        ($name:literal, $f:expr, $($arg:ident),*) => {{
            let facts = Arc::clone(facts);
            environment.add_function($name, move |given: Rest<Value>| -> Answer {
                let [$($arg),*] = texts($name, [$(stringify!($arg)),*], &given)?;
                $f(&facts, $($arg),*)
            });
        }};
    }
    add!("value", figures::value, operand, protocol);
    add!("ci", figures::confidence_interval, operand, protocol);
    add!("was_run", figures::was_run, operand, protocol);
    add!("was_published", figures::was_published, operand);
    add!("published", figures::published, operand);
    add!("position", figures::position, operand, protocol);
    add!("floor", figures::floor, operand, protocol);
    add!("ceiling", figures::ceiling, operand, protocol);
    add!("has_range", figures::has_range, operand, protocol);
    add!("compare", figures::compare, left, right, protocol);
    add!("diff", figures::diff, left, right, protocol);
    add!("diffs", figures::diffs, left, right);
    add!("contrast", |f, a, b, c, d, p| figures::contrast(f, [a, b], [c, d], p), a, b, c, d, protocol);
    add!("species_value", figures::species_value, operand, species, protocol);
    add!("species_compare", |f, l, r, s, p| figures::species_compare(f, [l, r], s, p), left, right, species, protocol);
    add!("ranking", figures::ranking, metric, protocol);
    add!("by_breed", |f, m, p| of_images(f, m, p, images::by_breed), metric, protocol);
    add!("by_species", |f, m, p| of_images(f, m, p, images::by_species), metric, protocol);
    add!("extreme_images", |f, m, p| of_images(f, m, p, images::extremes), metric, protocol);
    add!("table", |f, protocol| of_protocol(f, protocol, results::tables), protocol);
    add!("confusion", |f, protocol| of_protocol(f, protocol, pixels::confusion), protocol);
    add!("calibration", |f, protocol| of_protocol(f, protocol, pixels::calibration), protocol);
    add!("comparability", |f, protocol| of_protocol(f, protocol, results::incomparable_because), protocol);
    add!("chart", chart, name);
    add!("charts", charts, kind);
    add!("claim", claim, name);
    add!("claim_verdict", claim_verdict, name, protocol);
    add!("metric_label", |_: &Facts, name: &str| metric(name).map(|m| Value::from(m.label)), name);
    add!("has_arm", |f: &Facts, name: &str| Ok(Value::from(f.data.study.arms.iter().any(|a| a.name == name))), name);
    add!("has_baseline", |f: &Facts, name: &str| Ok(Value::from(f.data.baselines().any(|b| b.name() == name))), name);
    add!("has_model", |f: &Facts, name: &str| Ok(Value::from(has_model(f, name))), name);
    add!("training", training, arm);
    add!("code", |_: &Facts, text: &str| safe(code(text)), text);
    let owned = Arc::clone(facts);
    environment.add_function("percent_change", move |given: Rest<Value>| percent_change(&owned, &given));
    let owned = Arc::clone(facts);
    environment.add_function("statements", move |given: Rest<Value>| statements(&owned, &given));
    let owned = Arc::clone(facts);
    environment.add_function("checklist", move |given: Rest<Value>| -> Answer {
        check_count("checklist", &[], &given, 0)?;
        Ok(checklist(&owned))
    });
    let owned = Arc::clone(facts);
    environment.add_function("registration", move |given: Rest<Value>| -> Answer {
        check_count("registration", &[], &given, 0)?;
        Ok(registration(&owned))
    });
    add_lists(environment, facts);
}

/// Implements `percent_change(from, to[, protocol])`.
fn percent_change(facts: &Facts, given: &[Value]) -> Answer {
    let (name, arguments) = ("percent_change", ["from", "to", "protocol"]);
    check_count(name, &arguments, given, 2)?;
    if given.len() == 2 {
        let [from, to] = texts(name, ["from", "to"], given)?;
        return figures::change(facts, from, to, None);
    }
    let [from, to, protocol] = texts(name, arguments, given)?;
    figures::change(facts, from, to, Some(protocol))
}

/// A function without arguments.
type List = fn(&Facts) -> String;

/// Registers the functions without arguments. Most return whole sections.
fn add_lists(environment: &mut Environment<'static>, facts: &Arc<Facts>) {
    let lists: [(&'static str, List); 13] = [
        ("arms", |f| methods::arms(&f.data)),
        ("claims", |f| claims::all(&f.data, &f.claims)),
        ("conditions", |f| methods::conditions(&f.data)),
        ("datasets", |f| datasets::datasets(&f.data)),
        ("definitions", |f| definitions::definitions(&f.data)),
        ("gallery", |f| gallery::to_markdown(&f.data, &f.sheets)),
        ("health", |f| health::checks(&f.data, &f.claims)),
        ("left_out", |f| datasets::left_out(&f.data)),
        ("not_run", |f| printed_tables::without_run(&f.data)),
        ("printed_tables", |f| printed_tables::tables(&f.data)),
        ("runs", |f| runs::runs(&f.data)),
        ("settings", |f| methods::settings(&f.data)),
        ("versions", |f| runs::versions(&f.data)),
    ];
    for (name, list) in lists {
        let facts = Arc::clone(facts);
        environment.add_function(name, move |given: Rest<Value>| -> Answer {
            check_count(name, &[], &given, 0)?;
            safe(list(&facts))
        });
    }
}

/// Returns true if an arm has this network.
fn has_model(facts: &Facts, name: &str) -> bool {
    facts.data.study.arms.iter().any(|arm| arm.model == name)
}

/// Returns a section that depends on a protocol.
fn of_protocol(facts: &Facts, name: &str, section: fn(&Data, Protocol) -> String) -> Answer {
    safe(section(&facts.data, protocol(facts, name)?))
}

/// Returns a section on single images that depends on a metric and a protocol.
fn of_images(facts: &Facts, name: &str, under: &str, section: fn(&Data, &Metric, Protocol) -> String) -> Answer {
    let protocol = protocol(facts, under)?;
    safe(section(&facts.data, metric(name)?, protocol))
}

fn claim(facts: &Facts, name: &str) -> Answer {
    let names: Vec<_> = facts.data.study.report.claims.iter().map(|c| c.name.as_str()).collect();
    if !names.contains(&name) {
        return Err(refuse("claim", name, &names));
    }
    safe(claims::one(&facts.data, &facts.claims, name))
}

/// `claim_verdict("blur-hurts", "corrected")`: the verdict in a word; empty if the study has no such claim, or if a run is missing.
fn claim_verdict(facts: &Facts, name: &str, under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let claim = facts.claims.iter().find(|tested| tested.claim.name == name && tested.protocol == protocol);
    let found = claim.and_then(|claim| claim.outcome.as_ref().ok());
    safe(found.map_or(String::new(), |found| found.verdict.to_string()))
}

fn chart(facts: &Facts, name: &str) -> Answer {
    let names: Vec<_> = facts.charts.iter().map(|c| c.name.as_str()).collect();
    let chart = facts.charts.iter().find(|c| c.name == name).ok_or_else(|| refuse("chart", name, &names))?;
    safe(chart_markdown(chart))
}

/// `charts("by-condition")`: all charts of a kind.
fn charts(facts: &Facts, kind: &str) -> Answer {
    if !ChartSpec::KINDS.contains(&kind) {
        return Err(refuse("kind of chart", kind, &ChartSpec::KINDS));
    }
    let all = facts.asked.iter().zip(&facts.charts);
    let wanted = all.filter(|(spec, _)| spec.kind() == kind);
    safe(wanted.map(|(_, chart)| chart_markdown(chart)).collect::<Vec<_>>().join("\n"))
}

fn chart_markdown(chart: &Chart) -> String {
    let (title, alternative) = (escape(&chart.title), escape(&chart.alternative));
    let (name, caption) = (&chart.name, &chart.caption);
    format!("![{title}. {alternative}](charts/{name}.svg)\n\nFigure: {title}. {caption}\n")
}
