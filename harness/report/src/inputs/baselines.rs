//! Arms that need no network.

/// Arms that need no network: background everywhere, everywhere the class most frequent in the training images, and the
/// truth itself as outputs of 0 and 1, which no network that is confined to this range can beat once a sigmoid is applied.
pub const BASELINES: [&str; 3] = ["all-background", "majority-class", PERFECT_IN_UNIT_RANGE];

/// The baseline that only some studies have: reports show it where the data hold rows of it.
pub(crate) const PERFECT_IN_UNIT_RANGE: &str = "perfect-in-unit-range";

/// Label of a baseline; `None` of what is none.
pub(crate) fn label(name: &str) -> Option<&'static str> {
    match name {
        "all-background" => Some("All background"),
        "majority-class" => Some("Majority class"),
        PERFECT_IN_UNIT_RANGE => Some("Perfect mask in 0 to 1"),
        _ => None,
    }
}
