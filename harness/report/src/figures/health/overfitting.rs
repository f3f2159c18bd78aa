//! Validation loss that had risen when the weights were kept.

use super::{Finding, Severity, Undermines};
use crate::{
    figures::data::Data,
    inputs::runs::{Measured, Run},
    links::to_metrics,
    markdown::{count, escape, number},
};
use harness_record::vocabulary::{Predictor, Protocol, Split, Stage};

/// The rise above the lowest loss that is worth a warning, as a share of the lowest.
const RISE: f64 = 0.1;

/// The number of arms that are named; the others are counted.
const LISTED: usize = 3;

/// The validation loss of the kept weights, and the lowest one.
struct Risen<'a> {
    kept: Measured<'a>,
    lowest: Measured<'a>,
}

impl Risen<'_> {
    fn share(&self) -> f64 {
        (self.kept.value - self.lowest.value) / self.lowest.value.abs()
    }
}

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    let trained = data.runs.places().filter(|(place, _)| place.stage != Stage::Evaluate);
    if !trained.into_iter().any(|(_, run)| losses(run).next().is_some()) {
        return Err("no validation loss was recorded");
    }
    let stages = data.study.protocols.iter().map(|&protocol| (Stage::Finetune, Some(protocol)));
    let pretraining = std::iter::once(None).chain(data.study.protocols.iter().map(|&protocol| Some(protocol)));
    let stages = pretraining.map(|protocol| (Stage::Pretrain, protocol)).chain(stages);
    Ok(stages.filter_map(|(stage, protocol)| finding(data, stage, protocol)).collect())
}

fn finding(data: &Data, stage: Stage, protocol: Option<Protocol>) -> Option<Finding> {
    let mut worst: Vec<(&str, Risen<'_>)> = Vec::new();
    for arm in &data.study.arms {
        let runs = data.runs.of(&arm.name, stage, protocol);
        let risen = runs.filter_map(|(_, run)| risen(run)).filter(|risen| risen.share() > RISE);
        worst.extend(risen.max_by(|a, b| a.share().total_cmp(&b.share())).map(|risen| (arm.label.as_str(), risen)));
    }
    if worst.is_empty() {
        return None;
    }
    worst.sort_by(|(_, a), (_, b)| b.share().total_cmp(&a.share()));
    let each = worst.iter().take(LISTED).map(|(label, Risen { kept, lowest })| {
        let at = |row: &Measured<'_>| to_metrics(&number(row.value), &[*row]);
        format!("{} from {} (epoch {}) to {} (epoch {})", escape(label), at(lowest), lowest.epoch, at(kept), kept.epoch)
    });
    let protocol = protocol.map_or(String::new(), |protocol| format!(" under the {protocol} protocol"));
    let others = worst.len().saturating_sub(LISTED) as u64;
    let others = if others > 0 { format!("; {} more arms", count(others)) } else { String::new() };
    let seed = if data.has_seeds() { " (of each arm the seed with the largest rise)" } else { "" };
    let found = format!(
        "The validation loss of {}{protocol} had risen by more than {:.0}\u{a0}% when the weights were kept{seed}: {}{others}.",
        if stage == Stage::Pretrain { "pretraining" } else { "fine-tuning" },
        RISE * 100.0,
        each.collect::<Vec<_>>().join("; ")
    );
    Some(Finding { severity: Severity::Warns, found, undermines: Undermines::Nothing })
}

/// Returns the validation losses of a run, by epoch.
fn losses(run: &Run) -> impl Iterator<Item = Measured<'_>> {
    run.of(Split::Validation, Predictor::Model, "loss").filter(|row| row.value.is_finite())
}

fn risen(run: &Run) -> Option<Risen<'_>> {
    let kept = losses(run).find(|row| row.epoch == run.record.kept_epoch)?;
    let lowest = losses(run).min_by(|a, b| a.value.total_cmp(&b.value))?;
    (lowest.value != 0.0).then_some(Risen { kept, lowest })
}

#[cfg(test)]
mod tests {
    use crate::figures::health::tests::{data, epochs, placed};
    use harness_record::vocabulary::Stage;

    /// Returns what is found if the arm `a` was fine-tuned with these validation losses and kept the weights of an epoch.
    fn found(losses: &[f64], kept: u32) -> Result<String, &'static str> {
        let run = placed("a", 0, Stage::Finetune, |run| {
            run.metrics = epochs("loss", losses);
            run.record.kept_epoch = kept;
        });
        let key = run.1.key().short().to_owned();
        let found = super::look(&data(|_| {}, vec![run]))?;
        Ok(found.into_iter().map(|finding| finding.found.replace(&key, "KEY")).collect())
    }

    #[test]
    fn weights_kept_after_the_loss_had_risen_are_found() {
        let said = found(&[0.9, 0.578, 0.884], 3).unwrap();
        let which = "A from [0.578][mKEY.3] (epoch 2) to [0.884][mKEY.4] (epoch 3).";
        assert!(said.contains("under the corrected protocol had risen by more than 10\u{a0}%"), "{said}");
        assert!(said.ends_with(which), "{said}");
        // The best weights, or a small rise.
        assert_eq!(found(&[0.9, 0.578, 0.884], 2).unwrap(), "");
        assert_eq!(found(&[0.9, 0.6, 0.65], 3).unwrap(), "");
        assert!(found(&[], 3).is_err());
    }
}
