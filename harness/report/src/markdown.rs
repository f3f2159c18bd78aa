//! Markdown that stays readable in its raw form: escaped text, aligned tables, numbers.

/// The start of a paragraph that is the caption of the table below it.
pub(crate) const CAPTION: &str = "Table: ";

/// The text for a value that is unknown or does not apply.
pub(crate) const NONE: &str = "–";

/// Escapes text from a spec or a file name so that Markdown shows exactly this text, on one line and without markup.
pub(crate) fn escape(text: &str) -> String {
    let chars: Vec<char> = text.chars().filter(|c| !is_direction_control(*c)).collect();
    let mut out = String::with_capacity(text.len());
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1).copied();
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '$' => out.extend(['\\', c]),
            // Within a word an underscore is only an underscore, and file names are full of them.
            '_' if !(is_word(before) && is_word(after)) => out.push_str("\\_"),
            // Some renderers turn bare addresses into links.
            ':' if after == Some('/') => out.push_str("\\:"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => out.push(' '),
            c => out.push(c),
        }
    }
    escape_start(out.trim())
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

/// Returns true for characters that reorder the text around them and so could disguise a name.
fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Escapes characters that would start a heading, a list or a rule at the beginning of a line.
fn escape_start(text: &str) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let mark = text.chars().nth(digits);
    let after = text.chars().nth(digits + 1);
    // A list needs a space after its mark, so `+0.5` and `-0.5` may stay as they are.
    let opens_list = after.is_none_or(|c| c == ' ' || c == '-');
    let at = match mark {
        Some('.' | ')') if digits > 0 && opens_list => digits,
        Some('-' | '+') if digits == 0 && opens_list => 0,
        Some('#' | '=' | '!') if digits == 0 => 0,
        _ => return text.to_owned(),
    };
    format!("{}\\{}", &text[..at], &text[at..])
}

/// Joins names with commas, or with semicolons if a name contains a comma.
pub(crate) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.join(if names.iter().any(|name| name.contains(", ")) { "; " } else { ", " })
}

/// Turns the name of a breed, a class or a column into words.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Capitalises the first letter of a text.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// Text as inline code.
pub(crate) fn code(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = flat.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if flat.starts_with('`') || flat.ends_with('`') { " " } else { "" };
    // In a table a pipe ends the cell even within code. GitHub and pulldown-cmark both read `\|` there as a pipe.
    format!("{fence}{pad}{}{pad}{fence}", flat.replace('|', "\\|"))
}

/// The alignment of a table column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table whose cells are Markdown already.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) columns: Vec<(String, Align)>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(columns: impl IntoIterator<Item = (S, Align)>) -> Self {
        Self { columns: columns.into_iter().map(|(head, align)| (head.into(), align)).collect(), rows: Vec::new() }
    }

    /// Returns the table below its caption; each column is as wide as its widest cell.
    pub(crate) fn captioned(&self, caption: &str) -> String {
        format!("{CAPTION}{caption}\n\n{}", self.to_markdown())
    }

    fn to_markdown(&self) -> String {
        let widths: Vec<_> = (0..self.columns.len()).map(|i| self.width(i)).collect();
        let heads: Vec<_> = self.columns.iter().map(|(head, _)| head.clone()).collect();
        let rules: Vec<_> = self.columns.iter().zip(&widths).map(|((_, align), width)| rule(*align, *width)).collect();
        let mut text = self.line(&heads, &widths) + &self.line(&rules, &widths);
        for row in &self.rows {
            text += &self.line(row, &widths);
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.chain([&self.columns[column].0]).map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let padded = cells.iter().zip(&self.columns).zip(widths).map(|((cell, (_, align)), width)| {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            match align {
                Align::Left => format!(" {cell}{pad} |"),
                Align::Right => format!(" {pad}{cell} |"),
            }
        });
        format!("|{}\n", padded.collect::<String>())
    }
}

fn rule(align: Align, width: usize) -> String {
    match align {
        Align::Left => format!(":{}", "-".repeat(width - 1)),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    }
}

/// Formats a number with a true minus sign and three decimals, or up to six if the first nonzero digit needs them, so
/// that a small effect does not look like zero. A value below half a millionth is a rounding error of the scores and is
/// shown as zero.
pub(crate) fn number(value: f64) -> String {
    let decimals = (3..=6).find(|&decimals| value.abs() >= 0.5 / 10_f64.powi(decimals)).unwrap_or(3) as usize;
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(size) if size.bytes().all(|c| matches!(c, b'0' | b'.')) => size.to_owned(),
        Some(size) => format!("\u{2212}{size}"),
        None => text,
    }
}

/// Formats a p-value with three decimals. Below a thousandth it is only bounded: no number of resamples justifies more.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "≤\u{a0}0.001".to_owned() } else { format!("{p:.3}") }
}

/// Formats a difference with its sign, unless it rounds to zero.
pub(crate) fn signed(value: f64) -> String {
    let text = number(value);
    if text.starts_with('\u{2212}') || text == "0.000" { text } else { format!("+{text}") }
}

/// Formats an interval: `0.843 to 0.859`.
pub(crate) fn ends((low, high): (f64, f64)) -> String {
    format!("{} to {}", number(low), number(high))
}

/// Formats the interval of a difference: `−0.008 to +0.011`.
pub(crate) fn signed_ends((low, high): (f64, f64)) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// Formats a share as a percentage with one decimal and a non-breaking space: `93.6 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", share * 100.0)
}

/// Formats a relative change in percent with two decimals and its sign, as in the published work: `−6.50 %`.
pub(crate) fn signed_percent(change: f64) -> String {
    let text = format!("{:.2}", change * 100.0);
    let size = text.trim_start_matches('-');
    let sign = match (size, text.starts_with('-')) {
        ("0.00", _) => "",
        (_, true) => "\u{2212}",
        (_, false) => "+",
    };
    format!("{sign}{size}\u{a0}%")
}

/// Formats the relative change from one figure to another in the same way. Returns `None` if `from` is zero.
pub(crate) fn percent_change(from: f64, to: f64) -> Option<String> {
    (from != 0.0).then(|| signed_percent((to - from) / from))
}

/// Formats a count with commas between groups of three digits: `3,669`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(escape("a|b `c` <script>"), "a\\|b \\`c\\` \\<script\\>");
        assert_eq!(escape("[x](javascript:y)"), "\\[x\\](javascript:y)");
        assert_eq!(escape("Maine_Coon_12.jpg _em_"), "Maine_Coon_12.jpg \\_em\\_");
        assert_eq!(escape("# h\nnext"), "\\# h next");
        assert_eq!(escape("12. item"), "12\\. item");
        assert_eq!(escape("https://a.b"), "https\\://a.b");
        assert_eq!(escape("abc\u{202e}gnp.exe"), "abcgnp.exe");
        assert_eq!(escape("1.5 px"), "1.5 px");
        assert_eq!((escape("+0.5"), escape("- x"), escape("---")), ("+0.5".into(), "\\- x".into(), "\\---".into()));
    }

    #[test]
    fn code_holds_backticks_and_pipes() {
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
    }

    #[test]
    fn tables_line_up() {
        let mut table = Table::new([("Arm", Align::Left), ("Dice", Align::Right)]);
        table.rows.push(vec!["SSL".into(), number(-0.5)]);
        table.rows.push(vec!["Supervised".into(), number(0.25)]);
        let expected = "Table: T\n\n| Arm        |   Dice |\n| :--------- | -----: |\n\
                        | SSL        | \u{2212}0.500 |\n| Supervised |  0.250 |\n";
        assert_eq!(table.captioned("T"), expected);
    }

    #[test]
    fn numbers_have_three_decimals() {
        assert_eq!(
            (number(-0.12345), signed(0.0123), count(1_234_567)),
            ("\u{2212}0.123".into(), "+0.012".into(), "1,234,567".into())
        );
    }

    #[test]
    fn small_numbers_have_as_many_as_they_need() {
        assert_eq!(number(-0.0004), "\u{2212}0.0004");
        assert_eq!((number(0.000_499_9), number(0.000_5)), ("0.0005".into(), "0.001".into()));
        assert_eq!((signed(0.000_000_7), signed(-0.000_000_4)), ("+0.000001".into(), "0.000".into()));
        assert_eq!((number(0.0), number(-0.0), number(1e-17)), ("0.000".into(), "0.000".into(), "0.000".into()));
    }

    #[test]
    fn changes_are_given_in_percent() {
        assert_eq!(percent_change(0.769, 0.719).as_deref(), Some("\u{2212}6.50\u{a0}%"));
        assert_eq!(percent_change(0.5, 0.75).as_deref(), Some("+50.00\u{a0}%"));
        assert_eq!(percent_change(0.5, 0.499_999_999).as_deref(), Some("0.00\u{a0}%"));
        assert!(percent_change(0.0, 0.5).is_none());
        assert_eq!(percent(0.9357), "93.6\u{a0}%");
    }
}
