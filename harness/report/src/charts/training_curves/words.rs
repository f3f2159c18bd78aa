//! Training curves in words.

use super::curves::{Curves, Line, Point, SPLITS};
use crate::{
    figures::data::Data,
    markdown::{escape, listed, number},
};
use std::collections::BTreeSet;

/// The possible steps between the epochs that have words.
const STEPS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/// The maximum number of a panel's epochs with words, and of lines in all these words: panels with many lines have
/// fewer such epochs.
const MOST_EPOCHS: usize = 24;
const MOST_LINES: usize = 400;

/// An epoch that has words, and the range of epochs for which the words are shown.
pub(super) struct Pointed {
    pub(super) number: u32,
    pub(super) range: [f64; 2],
}

/// Returns the epochs of a panel that have words: the first and last epoch of each line, and as many others as keep the
/// file small.
pub(super) fn epochs(curves: &Curves) -> Vec<Pointed> {
    let groups: BTreeSet<_> = curves.lines.iter().map(|line| (line.arm, line.split)).collect();
    let most = (MOST_LINES / groups.len().max(1)).clamp(4, MOST_EPOCHS);
    let (_, last) = curves.epochs();
    let step = STEPS.into_iter().find(|step| last / f64::from(*step) <= most as f64).unwrap_or(u32::MAX);
    let logged: BTreeSet<u32> = curves.lines.iter().flat_map(|line| line.points.iter().map(|p| p.epoch)).collect();
    let ends = curves.lines.iter().flat_map(|line| [line.points.first(), line.points.last()]).flatten();
    let mut numbers: BTreeSet<u32> = ends.map(|point| point.epoch).collect();
    numbers.extend(logged.into_iter().filter(|epoch| epoch.is_multiple_of(step)));
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let middle = |a: u32, b: u32| f64::midpoint(f64::from(a), f64::from(b));
    let pointed = |i: usize| Pointed {
        number: numbers[i],
        range: [
            if i == 0 { 0.0 } else { middle(numbers[i - 1], numbers[i]) },
            numbers.get(i + 1).map_or(f64::INFINITY, |next| middle(numbers[i], *next)),
        ],
    };
    (0..numbers.len()).map(pointed).collect()
}

/// Describes every line in an epoch.
pub(super) fn in_epoch(data: &Data, curves: &Curves, epoch: u32) -> String {
    let mut lines = vec![format!("{}, epoch {epoch}", curves.heading)];
    for (arm, named) in data.study.arms.iter().enumerate() {
        for (split, (_, words)) in SPLITS.iter().enumerate() {
            let there = curves.of(arm, split).filter_map(|line| line.points.iter().find(|p| p.epoch == epoch));
            let values: Vec<f64> = there.map(|point| point.value).collect();
            let name = format!("{}, {}", named.label, words.to_lowercase());
            match values[..] {
                [] => {}
                [value] => lines.push(format!("{name}: {}", number(value))),
                _ => lines.push(format!("{name}: {}", over_seeds(&values))),
            }
        }
    }
    lines.join("\n")
}

fn over_seeds(values: &[f64]) -> String {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{}, from {} to {} over {} seeds", number(mean), number(low), number(high), values.len())
}

/// Describes a line at the epoch whose weights were kept.
pub(super) fn of_kept(data: &Data, curves: &Curves, line: &Line, kept: &Point) -> String {
    let seed = if data.has_seeds() { format!(", seed {}", line.seed) } else { String::new() };
    let (arm, split) = (&data.study.arms[line.arm].label, SPLITS[line.split].1.to_lowercase());
    format!(
        "{arm}, {split}{seed}\n{}: {} in epoch {}, whose weights were kept",
        curves.heading,
        number(kept.value),
        kept.epoch
    )
}

pub(super) fn describe(data: &Data, rows: &[Vec<Curves>]) -> String {
    let mut sentences = Vec::new();
    for curves in rows.iter().flatten() {
        let mut parts = Vec::new();
        for (arm, named) in data.study.arms.iter().enumerate() {
            for (split, (_, words)) in SPLITS.iter().enumerate() {
                let name = format!("{}, {}", named.label, words.to_lowercase());
                let runs: Vec<_> = curves.of(arm, split).collect();
                parts.extend(course(&runs).map(|course| format!("{name} {course}")));
            }
        }
        sentences.push(format!("{}: {}.", curves.heading, parts.join("; ")));
    }
    if sentences.is_empty() { "No data.".to_owned() } else { sentences.join(" ") }
}

/// Names the arms that have no line of their own, in a sentence; empty if all have one.
pub(super) fn of_shared(data: &Data, rows: &[Vec<Curves>]) -> String {
    let label = |arm: &usize| escape(&data.study.arms[*arm].label);
    let mut sentences: Vec<String> = Vec::new();
    for line in rows.iter().flatten().flat_map(|curves| &curves.lines).filter(|line| !line.shared.is_empty()) {
        let others: Vec<_> = line.shared.iter().map(label).collect();
        let verb = if others.len() == 1 { "shares" } else { "share" };
        let sentence = format!(" {} {verb} the run of {}, and therefore its line.", listed(&others), label(&line.arm));
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences.concat()
}

/// Describes the values at which the lines of one arm and split begin and end, as means if there are several seeds.
fn course(lines: &[&Line]) -> Option<String> {
    let firsts: Vec<_> = lines.iter().filter_map(|line| line.points.first()).collect();
    let lasts: Vec<_> = lines.iter().filter_map(|line| line.points.last()).collect();
    let mean = |points: &[&Point]| points.iter().map(|p| p.value).sum::<f64>() / points.len() as f64;
    let (first, last) = (firsts.first()?.epoch, lasts.iter().map(|p| p.epoch).max().unwrap_or(1));
    let over = if lines.len() > 1 { format!(", as means of {} seeds", lines.len()) } else { String::new() };
    Some(format!("{} in epoch {first}, {} in epoch {last}{over}", number(mean(&firsts)), number(mean(&lasts))))
}
