use crate::figures::health::{
    Severity,
    tests::{against, data, placed},
};
use harness_record::vocabulary::Stage;
use serde_json::{Value, json};

/// The lines of fine-tuning, changed by `change`.
fn lines(change: &[(&str, &str)]) -> Value {
    let usual = [("network", "VQ-VAE"), ("images", "Pets, 64 × 64 px"), ("trains on", "all training images")];
    let usual = usual.into_iter().chain([("loss, published", "squares"), ("epochs", "70"), ("batch", "8")]);
    let changed = |name: &str| change.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
    let mut lines: Vec<_> = usual.map(|(name, value)| json!([name, changed(name).unwrap_or(value)])).collect();
    let added = change.iter().filter(|(name, _)| ["optimiser", "loss, corrected"].contains(name));
    lines.extend(added.map(|(name, value)| json!([name, value])));
    json!(lines)
}

/// A set of `images` training images of `size` pixels a side, used by an arm.
fn set(arm: &str, images: u64, size: u32) -> Value {
    json!({"purpose": "segmentation", "dataset": "Pets", "arms": [arm], "digest": "", "size": size, "licence": "",
           "citation": "", "splits": [{"split": "train", "images": images}]})
}

/// Returns what is said against a claim between `a` and `b`. `a` has the usual settings, and `b` these.
fn said(change: &[(&str, &str)], (images, size): (u64, u32)) -> [String; 2] {
    let study = |study: &mut Value| {
        let stage = |lines: Value| json!([{"stage": "finetune", "lines": lines}]);
        study["settings"] =
            json!([{"arm": "a", "stages": stage(lines(&[]))}, {"arm": "b", "stages": stage(lines(change))}]);
        study["datasets"] = json!([set("a", 240, 64), set("b", images, size)]);
    };
    let data = data(study, Vec::new());
    let found = super::look(&data).unwrap().into_iter().map(|finding| finding.found).collect();
    [against(&data, Severity::Warns, ["a.dice", "b.dice"]), found]
}

#[test]
fn training_that_differs_besides_the_network_is_named() {
    let change =
        [("network", "LinkNet"), ("images", "Pets, 128 × 128 px"), ("epochs", "40"), ("loss, published", "ours")];
    let [brief, found] = said(&change, (334, 128));
    assert_eq!(brief, "unequal training images, image size, steps and 1 more");
    let all = "A against B in training images ([240](data.html#set-1) against [334](data.html#set-2)), image size (64 \
               against 128\u{a0}px), steps (2,100 against 1,680), epochs (70 against 40).";
    assert!(
        found.starts_with("Under the corrected protocol, arms of a claim differ") && found.ends_with(all),
        "{found}"
    );
    let [brief, _] = said(&[("network", "LinkNet"), ("loss, corrected", "ours")], (240, 64));
    assert_eq!(brief, "unequal loss");
    // The penalty of a codebook belongs to the network.
    let penalty = [("network", "VQ"), ("loss, corrected", "0.25 × commitment")];
    assert_eq!(said(&penalty, (240, 64))[0], "unequal loss");
}

#[test]
fn what_arms_are_about_is_no_reason() {
    assert_eq!(said(&[("network", "LinkNet")], (240, 64)), ["", ""]);
    // A difference in nothing but training is what the arms are about.
    assert_eq!(said(&[("epochs", "40"), ("optimiser", "AdamW")], (240, 64)), ["", ""]);
}

#[test]
fn fewer_labels_are_fewer_steps_unless_epochs_are_as_long() {
    let half = [("trains on", "the first 50 % of the training images")];
    assert_eq!(said(&half, (120, 64))[0], "unequal steps");
    let study = |study: &mut Value| {
        let stage = |change| json!([{"stage": "finetune", "lines": lines(change)}]);
        study["settings"] = json!([{"arm": "a", "stages": stage(&[])}, {"arm": "b", "stages": stage(&half)}]);
        study["datasets"] = json!([set("a", 240, 64), set("b", 120, 64)]);
    };
    let run = |arm: &str, fraction: f64| {
        placed(arm, 0, Stage::Finetune, |run| {
            let cut = json!({"split": {"official": {}}, "train": {"fraction": fraction}});
            run.record.settings = json!({"work": {"finetune": {"epoch": "whole", "cut": cut}}});
        })
    };
    let data = data(study, vec![run("a", 1.0), run("b", 0.5)]);
    assert_eq!(against(&data, Severity::Warns, ["a.dice", "b.dice"]), "");
}
