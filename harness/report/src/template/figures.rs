//! Figures in sentences: values, intervals, and comparisons whose words depend on the data.

use super::{
    answer::{Answer, safe},
    facts::Facts,
    operands::{metric, operand, protocol, species},
};
use crate::{
    figures::{
        claim::{Operand, Verdict},
        figure::Figure,
        published::Printed,
        range::Range,
        statistics::summary::{CONFIDENCE, Summary},
        tested::{Difference, Question, Untested, claimed},
    },
    markdown::{count, ends, escape, number, percent_change, signed, signed_ends},
    sections::results::{NOT_ABOVE, whole_percent},
};
use harness_record::{metrics::Direction, vocabulary::Protocol};
use minijinja::{Error, Value, value::Serde};
use serde::Serialize;

const NOT_RUN: &str = "not run";
/// Follows the numbers of a difference that a failed health check undermines.
const WITHHELD: &str = "; [verdict withheld](#health)";

fn figure<'a>(facts: &'a Facts, text: &str, under: &str) -> Result<Option<Figure<'a>>, Error> {
    let protocol = protocol(facts, under)?;
    let at = operand(facts, text)?;
    Ok(facts.data.tested(&at.arm, facts.data.condition_of(&at), metric(&at.metric)?, protocol))
}

fn printed<'a>(facts: &'a Facts, text: &str) -> Result<Option<Printed<'a>>, Error> {
    let at = operand(facts, text)?;
    Ok(facts.data.printed(&at.arm, facts.data.condition_of(&at), &at.metric))
}

/// `value("ssl@blur-0.dice", "corrected")`: the mean over images.
pub(super) fn value(facts: &Facts, text: &str, protocol: &str) -> Answer {
    safe(figure(facts, text, protocol)?.map_or(NOT_RUN.to_owned(), |f| number(f.mean)))
}

/// `ci("ssl@blur-0.dice", "corrected")`: its 95 % interval.
pub(super) fn confidence_interval(facts: &Facts, text: &str, protocol: &str) -> Answer {
    let found = figure(facts, text, protocol)?;
    safe(found.map_or(NOT_RUN.to_owned(), |f| f.interval.map_or("no interval".to_owned(), ends)))
}

/// `published("ssl@blur-0.dice")`: the figure as it was printed.
pub(super) fn published(facts: &Facts, text: &str) -> Answer {
    safe(printed(facts, text)?.map_or("not published".to_owned(), |p| escape(p.text)))
}

/// `was_published("ssl.dice")`: true if there is such a printed figure.
pub(super) fn was_published(facts: &Facts, text: &str) -> Answer {
    Ok(Value::from(printed(facts, text)?.is_some()))
}

/// `was_run("ssl.dice", "corrected")`: true if there is such a figure.
pub(super) fn was_run(facts: &Facts, text: &str, protocol: &str) -> Answer {
    Ok(Value::from(figure(facts, text, protocol)?.is_some()))
}

/// `percent_change("ssl.iou", "half.iou")`: the change from the first printed figure to the second; with a protocol,
/// the change between our figures.
pub(super) fn change(facts: &Facts, from: &str, to: &str, protocol: Option<&str>) -> Answer {
    let ends = match protocol {
        Some(protocol) => [from, to].map(|text| figure(facts, text, protocol).map(|found| found.map(|f| f.mean))),
        None => [from, to].map(|text| printed(facts, text).map(|found| found.map(|p| p.value))),
    };
    let missing = if protocol.is_some() { NOT_RUN } else { "not published" };
    let [from, to] = ends;
    safe(match (from?, to?) {
        (Some(from), Some(to)) => percent_change(from, to).unwrap_or("not defined".to_owned()),
        _ => missing.to_owned(),
    })
}

/// `position("segnet.soft_dice", "published")`: how much of the way from floor to ceiling the figure covers, in percent.
pub(super) fn position(facts: &Facts, text: &str, under: &str) -> Answer {
    let found = figure(facts, text, under)?.zip(range(facts, text, under)?);
    let words = |(figure, range): (Figure<'_>, Range<'_>)| {
        range.position(figure.mean).map_or(NOT_ABOVE.to_owned(), whole_percent)
    };
    safe(found.map_or(NOT_RUN.to_owned(), words))
}

/// `floor("segnet.soft_dice", "published")`: what predictors that need no network get by the same measure.
pub(super) fn floor(facts: &Facts, text: &str, under: &str) -> Answer {
    safe(range(facts, text, under)?.map_or(NOT_RUN.to_owned(), |range| number(range.floor.value)))
}

/// `ceiling("segnet.soft_dice", "published")`: the best possible value by the same measure.
pub(super) fn ceiling(facts: &Facts, text: &str, under: &str) -> Answer {
    safe(range(facts, text, under)?.map_or(NOT_RUN.to_owned(), |range| number(range.ceiling.value)))
}

/// `has_range("segnet.soft_dice", "published")`: true if floor and ceiling are known.
pub(super) fn has_range(facts: &Facts, text: &str, under: &str) -> Answer {
    Ok(Value::from(range(facts, text, under)?.is_some()))
}

fn range<'a>(facts: &'a Facts, text: &str, under: &str) -> Result<Option<Range<'a>>, Error> {
    let at = operand(facts, text)?;
    Ok(facts.data.range(&at.arm, metric(&at.metric)?, protocol(facts, under)?))
}

/// The value that `compare` returns.
#[derive(Debug, Serialize)]
struct Compared {
    /// True if there is a difference.
    run: bool,
    /// The reason why there is none; empty if there is one.
    reason: String,
    /// What a claim of the study says of the difference: `higher`, `lower` or `undecided`. `untested` if the claim is not
    /// tested, `withheld` if a failed health check undermines it, and `unclaimed` if there is no such claim; then the difference has no verdict.
    sign: &'static str,
    /// The difference with its sign.
    difference: String,
    /// The difference without its sign.
    size: String,
    /// The 95 % interval.
    interval: String,
    images: String,
    /// All of it as Markdown: `+0.012, **higher** (95 % interval of the paired difference +0.004 to +0.020)`. Without a claim,
    /// it has no word.
    phrase: Value,
}

/// `diff("ssl.dice", "supervised.dice", "corrected")`: the result of `compare`, as a phrase.
pub(super) fn diff(facts: &Facts, left: &str, right: &str, protocol: &str) -> Answer {
    compare(facts, left, right, protocol)?.get_attr("phrase")
}

/// `diffs("ssl.dice", "supervised.dice")`: the paired differences under all protocols, as a phrase.
pub(super) fn diffs(facts: &Facts, left: &str, right: &str) -> Answer {
    let sides = [operand(facts, left)?, operand(facts, right)?];
    let phrase = |&protocol: &Protocol| {
        let question = Question { data: &facts.data, protocol, species: None };
        let sides = [&sides[0], &sides[1]];
        let found = match question.difference(sides, 0.0, "phrase") {
            Ok(found) => {
                let over = over(&question, sides, &found.summary);
                let mean = signed(found.summary.mean);
                let withheld = if found.withheld { WITHHELD } else { "" };
                match (found.interval(), found.untested()) {
                    (Some(interval), _) => {
                        format!("{mean} ({CONFIDENCE} interval {}{over}{withheld})", signed_ends(interval))
                    }
                    (None, why) => format!("{mean} ({}, not tested{over}{withheld})", why.unwrap_or_default()),
                }
            }
            Err(Untested::NotRun) => NOT_RUN.to_owned(),
            Err(reason) => escape(&reason.to_string()),
        };
        format!("{found} under the {protocol} protocol")
    };
    safe(facts.data.study.protocols.iter().map(phrase).collect::<Vec<_>>().join(", and "))
}

/// `compare("ssl.dice", "supervised.dice", "corrected")`: the paired difference, left minus right, and its interval.
pub(super) fn compare(facts: &Facts, left: &str, right: &str, under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let sides = [operand(facts, left)?, operand(facts, right)?];
    Ok(differing(facts, &Question { data: &facts.data, protocol, species: None }, [&sides[0], &sides[1]]))
}

/// `contrast("a@x.dice", "a@y.dice", "b@x.dice", "b@y.dice", "corrected")`: the paired difference of two changes,
/// (first minus second) minus (third minus fourth).
pub(super) fn contrast(facts: &Facts, first: [&str; 2], second: [&str; 2], under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let mut changes = Vec::new();
    for [left, right] in [first, second] {
        changes.push([operand(facts, left)?, operand(facts, right)?]);
    }
    let question = Question { data: &facts.data, protocol, species: None };
    Ok(compared(question.contrast([&changes[0], &changes[1]]), None, ""))
}

/// `species_value("imbalanced.dice", "cat", "corrected")`: the mean over the test images of one species.
pub(super) fn species_value(facts: &Facts, text: &str, of: &str, under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let question = Question { data: &facts.data, protocol, species: Some(species(of)?) };
    let values = question.values(&operand(facts, text)?).ok();
    let summary = values.and_then(|sample| facts.data.scores.summarise(&sample));
    safe(summary.map_or(NOT_RUN.to_owned(), |s| number(s.mean)))
}

/// `species_compare("default.dice", "imbalanced.dice", "cat", "corrected")`: the same as `compare`, over images of one
/// species.
pub(super) fn species_compare(facts: &Facts, [left, right]: [&str; 2], of: &str, under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let sides = [operand(facts, left)?, operand(facts, right)?];
    let question = Question { data: &facts.data, protocol, species: Some(species(of)?) };
    Ok(differing(facts, &question, [&sides[0], &sides[1]]))
}

/// Names the number of images of a paired difference, if a side was tested on more images.
fn over(question: &Question<'_>, sides: [&Operand; 2], found: &Summary) -> String {
    let is_all = |side: &Operand| question.values(side).is_ok_and(|sample| sample.defined().len() == found.images);
    if sides.into_iter().all(is_all) {
        return String::new();
    }
    format!(", over the {} images that both were tested on", count(found.images as u64))
}

fn differing(facts: &Facts, question: &Question<'_>, sides: [&Operand; 2]) -> Value {
    let found = question.difference(sides, 0.0, "phrase");
    let over = found.as_ref().map_or_else(|_| String::new(), |found| over(question, sides, &found.summary));
    // Claims are about all test images.
    let of_all = question.species.is_none();
    let verdict = of_all.then(|| claimed(&facts.claims, question.data, sides, question.protocol)).flatten();
    compared(found, verdict, &over)
}

fn compared(found: Result<Difference, Untested>, verdict: Option<Verdict>, over: &str) -> Value {
    let reason = found.as_ref().err().map(Untested::to_string).unwrap_or_default();
    let found = found.ok();
    let none = || NOT_RUN.to_owned();
    let sign = found.map_or("unclaimed", |found| sign(&found, verdict));
    Value::from(Serde(Compared {
        run: found.is_some(),
        phrase: Value::from_safe_string(found.map_or_else(|| not_judged(&reason), |s| phrase(sign, &s, over))),
        reason,
        sign,
        difference: found.map_or_else(none, |s| signed(s.summary.mean)),
        size: found.map_or_else(none, |s| number(s.summary.mean.abs())),
        interval: found.map_or_else(none, |s| s.interval().map_or("not tested".to_owned(), signed_ends)),
        images: found.map_or_else(none, |s| count(s.summary.images as u64)),
    }))
}

/// Returns what a claim with this verdict says of a difference, in a word.
fn sign(found: &Difference, verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None if found.untested().is_some() => "untested",
        None => "unclaimed",
        Some(Verdict::Supported | Verdict::Contradicted) if found.summary.mean > 0.0 => "higher",
        Some(Verdict::Supported | Verdict::Contradicted) => "lower",
        Some(Verdict::Undecided) => "undecided",
        Some(Verdict::Withheld) => "withheld",
        Some(_) => "untested",
    }
}

fn not_judged(reason: &str) -> String {
    format!("not comparable: {}", escape(reason))
}

/// Describes a paired difference, with the word of the claim if there is one.
fn phrase(sign: &str, found: &Difference, over: &str) -> String {
    let mean = signed(found.summary.mean);
    let withheld = if found.withheld { WITHHELD } else { "" };
    let Some(interval) = found.interval() else {
        return format!("{mean} ({}, not tested{over}{withheld})", found.untested().unwrap_or_default());
    };
    let word = match sign {
        "higher" | "lower" => format!(", **{sign}**"),
        "undecided" => ", undecided".to_owned(),
        _ => String::new(),
    };
    format!("{mean}{word} ({CONFIDENCE} interval of the paired difference {}{over}{withheld})", signed_ends(interval))
}

/// One arm of a ranking.
#[derive(Debug, Serialize)]
struct Ranked {
    name: String,
    label: String,
    value: String,
    /// The 95 % interval; `no interval` if there is none.
    interval: String,
    /// `; 56 images` if the arms were tested on different numbers of images; otherwise empty.
    over: String,
}

/// `ranking("dice", "corrected")`: the arms that were run, best first.
pub(super) fn ranking(facts: &Facts, name: &str, under: &str) -> Answer {
    let protocol = protocol(facts, under)?;
    let metric = metric(name)?;
    let data = &facts.data;
    let figure = |arm: &str| data.tested(arm, data.first_condition(), metric, protocol);
    let mut arms: Vec<_> = data.study.arms.iter().filter_map(|arm| Some((arm, figure(&arm.name)?))).collect();
    arms.sort_by(|(_, a), (_, b)| match metric.direction {
        Direction::Higher => b.mean.total_cmp(&a.mean),
        Direction::Lower => a.mean.total_cmp(&b.mean),
    });
    let alike = arms.windows(2).all(|pair| pair[0].1.images == pair[1].1.images);
    let over = |images: usize| format!("; {} images", count(images as u64));
    let ranked = arms.into_iter().map(|(arm, figure)| Ranked {
        over: figure.images.filter(|_| !alike).map_or(String::new(), over),
        name: arm.name.clone(),
        label: arm.label.clone(),
        value: number(figure.mean),
        interval: figure.interval.map_or("no interval".to_owned(), ends),
    });
    Ok(Value::from(Serde(ranked.collect::<Vec<_>>())))
}
