//! Matches the figures of two results.

use super::{
    result::{Both, CompareError, Coordinates, Only},
    side::Side,
};
use harness_record::vocabulary::Split;
use std::fmt;

/// Returns the places that both sides have, in the order of A. Names that only one side has are added to `only`.
pub(super) fn places(a: &Side, b: &Side, only: &mut Vec<Only>) -> Result<Vec<Coordinates>, CompareError> {
    let names = |side: &Side| side.arms.iter().map(|arm| arm.name.clone()).collect::<Vec<_>>();
    let [arm, protocol, condition] = [0, 1, 2].map(|i| a.chosen[i] && b.chosen[i]);
    let arms = joined("arm", [&names(a), &names(b)], arm, only);
    let protocols = joined("protocol", [&a.protocols, &b.protocols], protocol, only);
    let conditions = joined("condition", [&a.conditions, &b.conditions], condition, only);
    if arms.is_empty() {
        let named = |side: &Side| format!("{} ({})", side.about.name, names(side).join(", "));
        return Err(CompareError::Choice(format!(
            "{} and {} have no arm in common; to compare two arms, name one on each side, as in PROFILE/STUDY:ARM",
            named(a),
            named(b)
        )));
    }
    let splits: &[Split] = if a.is_trained() { &[Split::Train, Split::Validation] } else { &[Split::Test] };
    let mut places = Vec::new();
    for arm in &arms {
        for protocol in &protocols {
            for condition in &conditions {
                places.extend(splits.iter().map(|&split| Coordinates {
                    arm: arm.clone(),
                    protocol: protocol.clone(),
                    condition: condition.clone(),
                    split,
                }));
            }
        }
    }
    Ok(places)
}

/// Returns the names that both lists have. If one name was chosen on each side, the two are matched even if they
/// differ.
fn joined<T: Clone + PartialEq + fmt::Display>(
    what: &'static str,
    [a, b]: [&[T]; 2],
    both_chosen: bool,
    only: &mut Vec<Only>,
) -> Vec<Both<T>> {
    if let ([a], [b], true) = (a, b, both_chosen) {
        return vec![Both { a: a.clone(), b: b.clone() }];
    }
    for (side, own, other) in [("A", a, b), ("B", b, a)] {
        let missing = own.iter().filter(|name| !other.contains(name));
        only.extend(missing.map(|name| Only { side, what, name: name.to_string() }));
    }
    let shared = a.iter().filter(|name| b.contains(name));
    shared.map(|name| Both { a: name.clone(), b: name.clone() }).collect()
}
