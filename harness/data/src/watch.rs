//! How work tells the outside what it is doing, and hears that it should stop.

/// Watches work. The program's own monitor is behind it; this crate knows no other.
pub trait Watch: Sync {
    /// Opens a bar: what is counted and how many there will be.
    fn begin(&self, what: &str, total: u64);
    /// Moves the innermost bar on by `by`.
    fn advance(&self, by: u64);
    /// Text beside the innermost bar: `312 of 792 MB, 12.3 MB/s`.
    fn note(&self, text: &str);
    /// Closes the innermost bar.
    fn end(&self);
    /// A line that stays.
    fn log(&self, line: &str);
    /// Whether the user asked to stop.
    fn stopped(&self) -> bool;
}

/// Shows nothing and never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Bytes as one says them: `812 B`, `17.3 kB`, `792 MB`, `1.58 GB`.
pub fn human(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} B"),
        Some((size, unit)) => {
            let value = bytes as f64 / size as f64;
            let digits = if value >= 100.0 {
                0
            } else if value >= 10.0 {
                1
            } else {
                2
            };
            format!("{value:.digits$} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_are_said_with_three_digits() {
        let said: Vec<String> = [812, 17_340, 791_918_971, 1_584_000_000].map(human).into();
        assert_eq!(said, ["812 B", "17.3 kB", "792 MB", "1.58 GB"]);
    }
}
