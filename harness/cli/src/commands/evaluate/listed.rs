//! Files that an error names.

/// How many are named; of those beyond, it says how many there are.
pub(super) const NAMED: usize = 20;

/// `head` and the first of `items`, one a line.
pub(super) fn listed(head: &str, items: &[String]) -> String {
    let mut lines = vec![head.to_owned()];
    lines.extend(items.iter().take(NAMED).cloned());
    if items.len() > NAMED {
        lines.push(format!("and {} more", items.len() - NAMED));
    }
    lines.join("\n")
}
