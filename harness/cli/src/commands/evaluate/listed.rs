//! Lists files in an error.

/// The number of items that are listed; the others are only counted.
pub(super) const NAMED: usize = 20;

/// `head` and the first [`NAMED`] of `items`, one per line.
pub(super) fn listed(head: &str, items: &[String]) -> String {
    let mut lines = vec![head.to_owned()];
    lines.extend(items.iter().take(NAMED).cloned());
    if items.len() > NAMED {
        lines.push(format!("and {} more", items.len() - NAMED));
    }
    lines.join("\n")
}
