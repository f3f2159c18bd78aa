//! Numbers in words.

/// Formats a number of bytes: `812 B`, `17.3 kB`, `792 MB`, `1.58 GB`.
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
