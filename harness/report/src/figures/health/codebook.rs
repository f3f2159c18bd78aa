//! Codebooks of which a network uses few codes.

use super::{Finding, Severity, Undermines, joined};
use crate::{
    figures::data::Data,
    inputs::runs::{Measured, Run},
    links::to_metrics,
    markdown::{count, escape},
};
use harness_record::vocabulary::{Predictor, Split, Stage};

/// Below this share of the codes, the use of a codebook is worth a warning.
const SHARE: f64 = 0.1;

/// The codes that arms use after a stage. Arms can share a run.
struct Used<'a> {
    arms: Vec<&'a str>,
    codes: u64,
    /// The row with the perplexity, the effective number of codes.
    row: Measured<'a>,
}

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    let mut findings = Vec::new();
    let mut known = false;
    for stage in [Stage::Pretrain, Stage::Finetune] {
        let used = of_stage(data, stage);
        known |= !used.is_empty();
        let few: Vec<_> = used.iter().filter(|one| one.row.value < SHARE * one.codes as f64).collect();
        if few.is_empty() {
            continue;
        }
        let each = few.iter().map(|one| {
            let perplexity = to_metrics(&format!("{:.1}", one.row.value), &[one.row]);
            let arms: Vec<_> = one.arms.iter().map(|arm| escape(arm)).collect();
            format!("{perplexity} of {} in {}", count(one.codes), joined(&arms))
        });
        let least = if data.has_seeds() { "; of each arm the lowest seed" } else { "" };
        let found = format!(
            "After {}, the effective number of codes (perplexity{least}) is below {:.0}\u{a0}% of the codebook: {}.",
            if stage == Stage::Pretrain { "pretraining" } else { "fine-tuning" },
            SHARE * 100.0,
            each.collect::<Vec<_>>().join("; ")
        );
        findings.push(Finding { severity: Severity::Warns, found, undermines: Undermines::Nothing });
    }
    if known { Ok(findings) } else { Err("no use of a codebook was recorded") }
}

/// Returns the smallest use of each arm over its protocols and seeds.
fn of_stage(data: &Data, stage: Stage) -> Vec<Used<'_>> {
    let mut all: Vec<Used<'_>> = Vec::new();
    for arm in &data.study.arms {
        let places = data.runs.places().filter(|(place, _)| place.arm == arm.name && place.stage == stage);
        let used = places.filter_map(|(_, run)| Some((codes(run)?, perplexity(run)?)));
        let Some((codes, row)) = used.min_by(|(_, a), (_, b)| a.value.total_cmp(&b.value)) else { continue };
        match all.iter_mut().find(|other| other.row.rows() == row.rows()) {
            Some(other) => other.arms.push(&arm.label),
            None => all.push(Used { arms: vec![&arm.label], codes, row }),
        }
    }
    all
}

/// Returns the size of the codebook of a run's network; `None` if it has none.
fn codes(run: &Run) -> Option<u64> {
    run.record.settings.get("model")?.as_object()?.values().find_map(|sizes| sizes.get("codes")?.as_u64())
}

/// Returns the perplexity of the kept weights on validation images, or on training images if there are no others.
fn perplexity(run: &Run) -> Option<Measured<'_>> {
    let kept = |split| {
        let rows = run.of(split, Predictor::Model, "perplexity").filter(|row| row.value.is_finite());
        rows.into_iter().find(|row| row.epoch == run.record.kept_epoch)
    };
    kept(Split::Validation).or_else(|| kept(Split::Train))
}

#[cfg(test)]
mod tests {
    use crate::figures::health::tests::{data, epochs, placed};
    use harness_record::vocabulary::Stage;
    use serde_json::json;

    fn found(perplexities: [&[f64]; 2], codes: u64) -> Result<String, &'static str> {
        let runs = perplexities.iter().zip(["a", "b"]).map(|(values, arm)| {
            placed(arm, 0, Stage::Pretrain, |run| {
                run.metrics = epochs("perplexity", values);
                run.record.settings = json!({"model": {"vqvae": {"width": 8, "codes": codes}}});
                run.record.kept_epoch = values.len() as u32;
            })
        });
        let runs: Vec<_> = runs
            .map(|(mut place, run)| {
                place.protocol = None;
                (place, run)
            })
            .collect();
        let keys: Vec<_> = runs.iter().map(|(_, run)| run.key().short().to_owned()).collect();
        let found = super::look(&data(|_| {}, runs))?;
        let said: String = found.into_iter().map(|finding| finding.found).collect();
        Ok(keys.iter().zip(["K1", "K2"]).fold(said, |said, (key, short)| said.replace(key, short)))
    }

    #[test]
    fn few_codes_are_found() {
        let said = found([&[3.0, 8.125], &[60.0]], 512).unwrap();
        assert!(said.starts_with("After pretraining, the effective number of codes (perplexity"), "{said}");
        assert!(said.ends_with("is below 10\u{a0}% of the codebook: [8.1][mK1.3] of 512 in A."), "{said}");
        assert_eq!(found([&[51.3], &[60.0]], 512).unwrap(), "");
        assert!(found([&[], &[]], 512).is_err());
    }
}
