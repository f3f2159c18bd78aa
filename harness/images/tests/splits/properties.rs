//! Properties of splits that hold for any list of images and any spec.

use super::{ALL, assert_partition, assert_shares, merged, official};
use harness_images::{
    datasets::{Item, Part},
    split::{Amount, Selection, SplitSpec, split, unlabelled},
};
use harness_record::random;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Lists of up to 300 images of up to seven breeds in random order. A fifth of them is for the test.
fn lists() -> impl Strategy<Value = Vec<Item>> {
    let item = (prop::sample::select(&["Birman", "Bombay", "Sphynx", "pug", "beagle", "boxer", "samoyed"][..]), 0..5u8);
    prop::collection::vec(item, 2..300).prop_map(|items| {
        let part = |n| if n == 0 { Part::Test } else { Part::Trainval };
        let item =
            |(i, (group, n)): (usize, (&str, u8))| Item { name: i.to_string(), group: group.into(), part: part(n) };
        items.into_iter().enumerate().map(item).collect()
    })
}

/// Any spec. Most of them are possible.
fn specs() -> impl Strategy<Value = SplitSpec> {
    let amount = prop_oneof![(0..40u32).prop_map(Amount::Images), (0.01..0.99).prop_map(Amount::Share)];
    prop_oneof![
        (amount, any::<bool>(), any::<u64>()).prop_map(|(amount, stratified, seed)| official(amount, stratified, seed)),
        (0.01..0.8, 0.01..0.8, any::<u64>()).prop_map(|(test, validation, seed)| merged(test, validation, seed)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_image_is_in_two_lists_and_none_is_lost(items in lists(), spec in specs()) {
        let Ok(cut) = split(&items, &spec, &ALL, None) else { return Ok(()) };
        assert_partition(&cut, 0..items.len() as u32);
        prop_assert_eq!(&cut, &split(&items, &spec, &ALL, None).unwrap());
        let own_test: Vec<u32> = (0..items.len() as u32).filter(|&i| items[i as usize].part == Part::Test).collect();
        let rest = [&cut.train[..], &cut.validation].concat();
        match spec {
            SplitSpec::Official(spec) => {
                prop_assert_eq!(&cut.test, &own_test);
                let wanted = match spec.validation {
                    Amount::Images(n) => n as usize,
                    Amount::Share(share) => (share * rest.len() as f64).round() as usize,
                };
                prop_assert_eq!(cut.validation.len(), wanted);
                if spec.stratified {
                    assert_shares(&items, &cut.validation, &rest);
                } else {
                    // Expects the same order as in the first version of this program.
                    let order = random::shuffled(rest.len() as u32, &mut random::generator(&["split", &spec.seed.to_string()]));
                    let mut sorted = rest.clone();
                    sorted.sort_unstable();
                    let order: Vec<u32> = order.into_iter().map(|i| sorted[i as usize]).collect();
                    prop_assert_eq!((&cut.validation[..], &cut.train[..]), order.split_at(wanted));
                }
            }
            SplitSpec::Merged(spec) => {
                prop_assert_eq!(cut.test.len(), (spec.test * items.len() as f64).ceil() as usize);
                prop_assert_eq!(cut.validation.len(), (spec.validation * rest.len() as f64).ceil() as usize);
                assert_shares(&items, &cut.test, &(0..items.len() as u32).collect::<Vec<_>>());
                assert_shares(&items, &cut.validation, &rest);
            }
        }
    }

    #[test]
    fn a_selection_touches_nothing_but_the_training_images(
        items in lists(),
        spec in specs(),
        fractions in [0.001..=1.0, 0.001..=1.0],
        breed in 0..7usize,
    ) {
        let Ok(all) = split(&items, &spec, &ALL, None) else { return Ok(()) };
        let group = |place: &u32| items[*place as usize].group.as_str();
        let breed = group(&all.train[breed % all.train.len()]);
        let list = Some(vec![breed.to_owned()]);
        let cat = breed.starts_with(char::is_uppercase);
        let (cats, dogs) = if cat { (list, None) } else { (None, list) };
        let whole = split(&items, &spec, &Selection { fraction: 1.0, cats: cats.clone(), dogs: dogs.clone() }, None).unwrap();
        let kept = |place: &&u32| group(place) == breed || group(place).starts_with(char::is_uppercase) != cat;
        prop_assert_eq!(&whole.train, &all.train.iter().filter(kept).copied().collect::<Vec<_>>());
        let [more, less] = [f64::max, f64::min].map(|pick| {
            let fraction = pick(fractions[0], fractions[1]);
            let part = split(&items, &spec, &Selection { fraction, cats: cats.clone(), dogs: dogs.clone() }, None).unwrap();
            assert_eq!((&part.validation, &part.test), (&all.validation, &all.test));
            assert!((part.train.len() as f64 - fraction * whole.train.len() as f64).abs() < 1.0 + 1e-6);
            part.train
        });
        prop_assert!(!less.is_empty() && more.starts_with(&less) && whole.train.starts_with(&more));
    }

    #[test]
    fn fractions_for_pretraining_are_nested_and_balanced(
        items in lists(),
        held_out in 0..40u32,
        fractions in [0.001..=1.0, 0.001..=1.0],
    ) {
        let Ok(all) = unlabelled(&items, held_out, 1.0, None) else { return Ok(()) };
        assert_partition(&all, 0..items.len() as u32);
        prop_assert_eq!(all.validation.len(), held_out as usize);
        let [more, less] = [f64::max, f64::min].map(|pick| {
            let part = unlabelled(&items, held_out, pick(fractions[0], fractions[1]), None).unwrap();
            assert_eq!(&part.validation, &all.validation);
            assert_shares(&items, &part.train, &all.train);
            part.train
        });
        let set = |places: &[u32]| places.iter().copied().collect::<BTreeSet<_>>();
        prop_assert!(!less.is_empty() && set(&less).is_subset(&set(&more)) && set(&more).is_subset(&set(&all.train)));
        // Expects the images in the order of the whole list.
        let order = |part: &[u32]| all.train.iter().filter(|place| part.contains(place)).copied().collect::<Vec<_>>();
        prop_assert_eq!(order(&less), less);
    }
}
