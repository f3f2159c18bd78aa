//! Suggestions ("did you mean"): the existing name nearest to a misspelt one.

/// The least similarity between a misspelling and its suggestion, in 0..1.
const LIKE: f64 = 0.6;

/// The name nearest to `name`, if any is near enough; the first of equals. Case is ignored, and `-`, `_` and space are treated
/// as equal.
pub fn closest<S: AsRef<str>>(name: &str, names: impl IntoIterator<Item = S>) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = plain(name);
    let mut best: Option<(f64, String)> = None;
    for candidate in names {
        let candidate = candidate.as_ref();
        let likeness = strsim::normalized_damerau_levenshtein(&wanted, &plain(candidate));
        if likeness >= LIKE && best.as_ref().is_none_or(|(top, _)| likeness > *top) {
            best = Some((likeness, candidate.to_owned()));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_meant() {
        let names = ["dice", "iou", "half-labels"];
        assert_eq!(closest("dicee", names).as_deref(), Some("dice"));
        assert_eq!(closest("Half Label", names).as_deref(), Some("half-labels"));
        assert_eq!(closest("accuracy", names), None);
        assert_eq!(closest("x", Vec::<&str>::new()), None);
    }
}
