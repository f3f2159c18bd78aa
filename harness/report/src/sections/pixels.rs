//! Results by pixel: which classes are taken for which, and how confident the networks are.

use crate::{
    figures::data::Data,
    links::linked,
    markdown::{Align, NONE, Table, count, escape, number, percent, signed},
};
use harness_record::{metrics::Reliability, vocabulary::Protocol};

/// Returns the table of true and predicted classes under a protocol and the first condition; empty if pixels were not
/// counted.
pub(crate) fn confusion(data: &Data, protocol: Protocol) -> String {
    let mut columns = vec![("Arm", Align::Left), ("True class", Align::Left)];
    let classes: Vec<String> = data.study.classes.iter().map(|class| format!("Predicted as {class}")).collect();
    columns.extend(classes.iter().map(|class| (class.as_str(), Align::Right)));
    columns.push(("Pixels", Align::Right));
    let mut table = Table::new(columns);
    let mut arms: Vec<&str> = data.study.arms.iter().map(|arm| arm.name.as_str()).collect();
    for baseline in data.baselines() {
        arms.push(baseline.name());
    }
    for arm in arms {
        let Some(found) = data.confusion(arm, data.first_condition(), protocol) else { continue };
        for ((truth, class), counts) in data.study.classes.iter().enumerate().zip(found.counts.counts()) {
            let all = found.counts.truth(truth);
            let share =
                |predicted: u64| if all == 0 { NONE.to_owned() } else { percent(predicted as f64 / all as f64) };
            let shares = counts.map(|n| linked(&share(n), &found.rows));
            let first = [escape(data.arm_label(arm)), escape(class)];
            let last = linked(&count(all), &found.rows);
            table.rows.push(first.into_iter().chain(shares).chain([last]).collect());
        }
    }
    if table.rows.is_empty() {
        return String::new();
    }
    let seeds = if data.has_seeds() { " and seeds" } else { "" };
    table.captioned(&format!(
        "pixels by true and predicted class, under the {protocol} protocol{}, all test images{seeds} together",
        at_first(data)
    ))
}

/// Returns `, condition 0 %`, or an empty text if there is only one condition.
fn at_first(data: &Data) -> String {
    if !data.has_conditions() {
        return String::new();
    }
    format!(", condition {}", escape(&data.condition_label(data.first_condition())))
}

/// Returns the table of the confidence and accuracy of the networks under a protocol; empty if pixels were not counted.
pub(crate) fn calibration(data: &Data, protocol: Protocol) -> String {
    let mut columns = vec![("Arm", Align::Left)];
    if data.has_conditions() {
        columns.push(("Condition", Align::Left));
    }
    let measured = ["Mean confidence", "Accuracy", "Overconfidence", "Expected calibration error", "Pixels"];
    columns.extend(measured.map(|head| (head, Align::Right)));
    let mut table = Table::new(columns);
    for arm in &data.study.arms {
        for condition in &data.study.conditions {
            let Some(found) = data.reliability(&arm.name, condition.name, protocol) else { continue };
            let Some(numbers) = in_numbers(&found.counts) else { continue };
            let mut cells = vec![escape(&arm.label)];
            if data.has_conditions() {
                cells.push(escape(&condition.label));
            }
            cells.extend(numbers.map(|text| linked(&text, &found.rows)));
            table.rows.push(cells);
        }
    }
    if table.rows.is_empty() {
        return String::new();
    }
    table.captioned(&format!("calibration of the class probabilities under the {protocol} protocol"))
}

/// Formats mean confidence, accuracy, their difference, the expected calibration error, and the number of pixels.
pub(crate) fn in_numbers(counts: &Reliability) -> Option<[String; 5]> {
    let (pixels, error, over) = (counts.pixels(), counts.expected_error()?, counts.overconfidence()?);
    let right: u64 = counts.bins().iter().map(|bin| bin.right).sum();
    let accuracy = right as f64 / pixels as f64;
    Some([number(accuracy + over), number(accuracy), signed(over), number(error), count(pixels)])
}
