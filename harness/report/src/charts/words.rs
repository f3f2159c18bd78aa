//! Texts that several kinds of charts share.

use crate::{
    figures::{data::Data, figure::Figure, metrics::METRICS, statistics::summary::CONFIDENCE},
    markdown::{count, ends, escape, listed, number},
};
use harness_record::vocabulary::Protocol;

/// Describes a mean with its interval: `0.631, 95 % interval 0.602 to 0.659, over 40 images`.
pub(super) fn figure_in_words(figure: &Figure<'_>) -> String {
    let mut words = number(figure.mean);
    words +=
        &figure.interval.map_or(", without interval".to_owned(), |i| format!(", {CONFIDENCE} interval {}", ends(i)));
    words += &figure.images.map_or(String::new(), |images| format!(", over {} images", count(images as u64)));
    words
}

/// Says for captions how Dice and intersection over union are measured.
pub(super) fn measured_how(data: &Data) -> String {
    let mut batched: Vec<&str> = Vec::new();
    for (metric, protocol) in METRICS.iter().flat_map(|m| data.study.protocols.iter().map(move |p| (m, *p))) {
        let named = matches!(metric.name, "dice" | "iou");
        let arms = if named { data.arms_over_batches(metric, protocol) } else { Vec::new() };
        batched.extend(arms.into_iter().filter(|arm| !batched.contains(arm)).collect::<Vec<_>>());
    }
    let usual = match data.study.protocols.as_slice() {
        [Protocol::Published] => "Dice and IoU are soft",
        [_] => "Dice and IoU are hard",
        _ => "Dice and IoU are soft under the published protocol and hard under the corrected one",
    };
    if batched.is_empty() {
        return format!("{usual}.");
    }
    let arms: Vec<_> = batched.into_iter().map(escape).collect();
    format!(
        "{usual}; under the published protocol, those of {} are hard and are means over batches, without intervals.",
        listed(&arms)
    )
}
