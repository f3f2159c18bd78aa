//! Text that fits its space: it is cut, or wrapped over several lines.

use super::canvas::text_width;

/// The maximum number of lines of wrapped text.
const MOST_LINES: usize = 3;
const REST: char = '…';

/// The line height, as a multiple of the text size.
pub(super) const LINE: f64 = 1.28;

/// Returns the text, cut with an ellipsis if it is wider than `width`.
pub(super) fn fitted(text: &str, width: f64, (size, bold): (f64, bool)) -> Result<String, String> {
    if text_width(text, size, bold)? <= width {
        return Ok(text.to_owned());
    }
    // The number of letters that fit is found by bisection, because the width grows with it.
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| letters[..kept].iter().collect::<String>().trim_end().to_owned() + &REST.to_string();
    let (mut fits, mut too_many) = (0, letters.len());
    while fits + 1 < too_many {
        let middle = usize::midpoint(fits, too_many);
        if text_width(&cut(middle), size, bold)? <= width {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    Ok(cut(fits))
}

/// Breaks the text between words into lines of at most `width`. Text that needs more than three lines is cut.
pub(super) fn wrapped(text: &str, width: f64, (size, bold): (f64, bool)) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(first) = words.next() {
        let mut line = first.to_owned();
        if lines.len() + 1 == MOST_LINES {
            words.by_ref().for_each(|word| line = format!("{line} {word}"));
        }
        while let Some(word) = words.peek() {
            let longer = format!("{line} {word}");
            if text_width(&longer, size, bold)? > width {
                break;
            }
            line = longer;
            words.next();
        }
        lines.push(fitted(&line, width, (size, bold))?);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::canvas::TEXT;

    #[test]
    fn what_is_too_wide_is_cut() {
        let width = |text: &str| text_width(text, TEXT, false).unwrap();
        let cut = fitted(&"long ".repeat(100), 300.0, (TEXT, false)).unwrap();
        assert!(cut.ends_with('…') && (280.0..=300.0).contains(&width(&cut)), "{cut}");
        assert_eq!(fitted("short", 300.0, (TEXT, false)).unwrap(), "short");
        assert_eq!(fitted("no room", 1.0, (TEXT, false)).unwrap(), "…");
    }

    #[test]
    fn lines_break_between_words() {
        let lines = |text: &str| wrapped(text, 100.0, (TEXT, false)).unwrap();
        assert_eq!(lines("Fine-tuning, published protocol"), ["Fine-tuning,", "published", "protocol"]);
        assert_eq!(lines(""), [""; 0]);
        let many = lines(&"one two three ".repeat(20));
        assert!(many.len() == 3 && many[2].ends_with('…'), "{many:?}");
        assert!(lines(&"x".repeat(60))[0].ends_with('…'));
    }
}
