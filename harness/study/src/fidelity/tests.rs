use super::*;
use crate::spec::layers::Spec;
use harness_images::datasets::DatasetSpec;
use harness_learn::models::{ModelSpec, VqvaeSpec};
use harness_record::vocabulary::{Protocol, Split};
use harness_report::inputs::{RepeatedInput, SplitCount};
use std::path::Path;

fn resolved(study: &str, profile: &str) -> Resolved {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Resolved::new(&Spec::named(&root, study).unwrap(), profile, &[]).unwrap()
}

/// The data sets of a study. An arm that selects some images uses half of the training images.
fn datasets(resolved: &Resolved, labelled: u64, unlabelled: u64) -> Vec<DatasetInput> {
    let set = |purpose: Purpose, arm: &Arm, all: u64, selects: bool| {
        let held_out = all / 5;
        let train = all - held_out;
        let split = |split: Split, images| SplitCount { split, images };
        DatasetInput {
            purpose,
            dataset: "Pets".into(),
            arms: vec![arm.spec.label.clone()],
            protocols: Vec::new(),
            repeated: None,
            seed: None,
            digest: purpose.to_string(),
            size: arm.under(Protocol::Published).data.size,
            licence: String::new(),
            citation: String::new(),
            splits: vec![split(Split::Train, if selects { train / 2 } else { train }), split(Split::Test, held_out)],
            groups: Vec::new(),
            left_out: Vec::new(),
        }
    };
    let mut sets = Vec::new();
    for arm in &resolved.arms {
        let data = &arm.under(Protocol::Published).data;
        sets.push(set(Purpose::Segmentation, arm, labelled, data.segmentation.train != Selection::default()));
        sets.push(set(Purpose::Pretraining, arm, unlabelled, data.pretraining.fraction < 1.0));
    }
    sets
}

fn published(resolved: &Resolved) -> Vec<DatasetInput> {
    datasets(resolved, PUBLISHED_LABELLED, PUBLISHED_UNLABELLED)
}

#[test]
fn only_the_full_profile_on_all_of_the_images_is_the_published_experiment() {
    for study in ["blurring", "class-imbalance", "baselines"] {
        let full = resolved(study, "full");
        let of = |sets: &[DatasetInput]| fidelity(&full, &[], sets);
        assert_eq!(of(&published(&full)), Fidelity::Full, "{study}");
        assert_eq!(of(&datasets(&full, PUBLISHED_LABELLED - 1, PUBLISHED_UNLABELLED)), Fidelity::Other, "{study}");
        assert_eq!(of(&datasets(&full, PUBLISHED_LABELLED, 25_000)), Fidelity::Other, "{study}");
        assert_eq!(of(&[]), Fidelity::Other, "{study}");
        // The numbers of images do not matter in these profiles.
        for (profile, expected) in [("sample", Fidelity::Sample), ("demo", Fidelity::Synthetic)] {
            let small = resolved(study, profile);
            assert_eq!(fidelity(&small, &[], &published(&small)), expected, "{study}");
        }
    }
}

#[test]
fn changes_from_the_command_line_make_another_experiment() {
    let full = resolved("blurring", "full");
    let with = |settings: &[&str]| {
        let settings: Vec<_> = settings.iter().map(|&s| s.to_owned()).collect();
        fidelity(&full, &settings, &published(&full))
    };
    assert_eq!(with(&["seeds=[0, 1]", "protocols=[published]"]), Fidelity::Full);
    assert_eq!(with(&["seeds=[0, 1]", "finetuning.epochs=1"]), Fidelity::Other);
}

#[test]
fn other_sizes_are_another_experiment() {
    let full = resolved("blurring", "full");
    let after = |change: fn(&mut Arm)| {
        let mut changed = full.clone();
        change(&mut changed.arms[0]);
        fidelity(&changed, &[], &published(&full))
    };
    assert_eq!(after(|_| {}), Fidelity::Full);
    assert_eq!(after(|arm| arm.change(|study| study.data.size = 64)), Fidelity::Other);
    assert_eq!(
        after(|arm| arm.change(|study| {
            study.model = ModelSpec::Vqvae(VqvaeSpec { width: 64, ..VqvaeSpec::default() });
        })),
        Fidelity::Other
    );
}

#[test]
fn a_selection_alone_does_not_show_that_the_data_set_is_whole() {
    let full = resolved("class-imbalance", "full");
    let mut sets = published(&full);
    let whole = |set: &DatasetInput| set.splits.iter().map(|split| split.images).sum::<u64>() == PUBLISHED_LABELLED;
    sets.iter_mut()
        .filter(|set| set.purpose == Purpose::Segmentation && whole(set))
        .for_each(|set| set.digest = "another".into());
    assert_eq!(fidelity(&full, &[], &sets), Fidelity::Other);
}

#[test]
fn what_a_protocol_removes_does_not_make_another_experiment() {
    let full = resolved("blurring", "full");
    let reduced = |images: u64, pictures: u64| {
        let mut sets = published(&full);
        for set in sets.iter_mut().filter(|set| set.purpose == Purpose::Pretraining) {
            set.repeated = Some(RepeatedInput { pictures, removed: true });
            set.splits = vec![SplitCount { split: Split::Train, images }];
        }
        fidelity(&full, &[], &sets)
    };
    assert_eq!(reduced(PUBLISHED_UNLABELLED - 200, 100), Fidelity::Full);
    assert_eq!(reduced(PUBLISHED_UNLABELLED - 100, 100), Fidelity::Full);
    assert_eq!(reduced(PUBLISHED_UNLABELLED - 201, 100), Fidelity::Other);
    assert_eq!(reduced(PUBLISHED_UNLABELLED + 1, 100), Fidelity::Other);
}

#[test]
fn as_many_images_of_another_data_set_are_another_experiment() {
    let mut full = resolved("blurring", "full");
    for arm in &mut full.arms {
        let json = serde_json::json!({"cats-and-dogs": {"folder": "cats-and-dogs/PetImages"}});
        let dataset: DatasetSpec = serde_json::from_value(json).unwrap();
        arm.change(|study| study.data.pretraining.dataset = dataset.clone());
    }
    assert_eq!(fidelity(&full, &[], &published(&full)), Fidelity::Other);
}
