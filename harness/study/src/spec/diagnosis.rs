//! Problems of a spec: the message, the place, and the remedy.

use super::locate::Span;
use harness_record::suggest::closest;
use std::fmt;

/// The name shown as the file of settings that come from `--set`.
pub const COMMAND_LINE: &str = "command line";

/// Maximum number of characters shown of a source line. Longer lines are cut around the problem.
const SHOWN: usize = 100;

/// One problem, displayed in the style of rustc.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Diagnosis {
    /// The problem, in one line.
    pub message: String,
    /// The file as the user knows it, or [`COMMAND_LINE`].
    pub file: String,
    /// Position in the file.
    pub span: Option<Span>,
    /// Text of that line.
    pub source_line: Option<String>,
    /// The field, with its profile: `profiles.sample.finetuning.epochs`.
    pub field: Option<String>,
    /// The expected value: `a whole number`, ``one of: `a`, `b` ``.
    pub expected: Option<String>,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// Advice, if there is more to do than use another name.
    pub help: Option<String>,
}

impl Diagnosis {
    /// Creates a problem of a whole file.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), file: file.to_owned(), ..Self::default() }
    }

    /// Adds the expected value.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the allowed names, and suggests the one that `name` was probably meant to be.
    #[must_use]
    pub fn one_of<S: AsRef<str>>(mut self, name: &str, names: &[S]) -> Self {
        self.expected = Some(match names {
            [] => "nothing: there are none".to_owned(),
            [only] => format!("`{}`", only.as_ref()),
            _ => {
                let quoted: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
                format!("one of: {}", quoted.join(", "))
            }
        });
        self.suggestion = closest(name, names);
        self
    }
}

/// Returns the text with every character escaped that could control a terminal or reorder what it shows.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            c if steers(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The same for a source line. Each character is replaced by exactly one character, so that columns still match.
fn printable_line(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| match c {
            '\t' => '→',
            c if steers(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl Diagnosis {
    /// The essential parts in one line: `studies/blurring.yaml:8: wrong type: found …; expected …`.
    pub fn line(&self) -> String {
        let place = self.span.map_or_else(|| self.file.clone(), |span| format!("{}:{}", self.file, span.line));
        let field = self.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
        let expected = self.expected.as_ref().map(|expected| format!("; expected {expected}")).unwrap_or_default();
        format!("{place}: {}{field}{expected}", self.message)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.message))?;
        let named = self.file != COMMAND_LINE;
        let number = self.span.filter(|_| named).map_or_else(String::new, |span| span.line.to_string());
        let gutter = " ".repeat(number.len().max(1));
        if !self.file.is_empty() {
            write!(f, "\n {gutter}--> {}", printable(&self.file))?;
        }
        if let Some(span) = self.span {
            if named {
                write!(f, ":{}:{}", span.line, span.column)?;
            }
            if let Some(line) = &self.source_line {
                let (line, caret, width) = window(line, span);
                write!(f, "\n {gutter} |\n {number:>size$} | {line}", size = gutter.len())?;
                write!(f, "\n {gutter} | {}{}", " ".repeat(caret), "^".repeat(width))?;
            }
        }
        let field = self.field.as_ref().map(|field| format!("field: {field}"));
        let expected = self.expected.as_ref().map(|expected| format!("expected {expected}"));
        let suggestion = self.suggestion.as_ref().map(|name| format!("did you mean `{name}`?"));
        let help = self.help.as_ref().map(|help| format!("help: {help}"));
        for note in [field, expected, suggestion, help].into_iter().flatten() {
            write!(f, "\n {gutter} = {}", printable(&note))?;
        }
        Ok(())
    }
}

/// The part of a line that is shown, with the column (from 0) and the width of the marks under it.
fn window(line: &str, span: Span) -> (String, usize, usize) {
    let line = printable_line(line.trim_end());
    let caret = (span.column - 1).min(line.len());
    let width = span.width.clamp(1, (line.len() - caret).max(1));
    if line.len() <= SHOWN {
        return (line.into_iter().collect(), caret, width);
    }
    let start = caret.saturating_sub(SHOWN / 2).min(line.len() - SHOWN);
    let mut shown: Vec<char> = line[start..start + SHOWN].to_vec();
    if start > 0 {
        shown[0] = '…';
    }
    if start + SHOWN < line.len() {
        shown[SHOWN - 1] = '…';
    }
    let caret = (caret - start).min(SHOWN);
    (shown.into_iter().collect(), caret, width.min((SHOWN - caret).max(1)))
}

/// All problems found at once. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Diagnosis>);

impl Problems {
    /// Sorts the problems by file and line and drops duplicates. Returns `None` if there are no problems.
    pub fn found(mut problems: Vec<Diagnosis>) -> Option<Self> {
        let place = |problem: &Diagnosis| problem.span.map(|span| (span.line, span.column));
        problems.sort_by(|a, b| (&a.file, place(a)).cmp(&(&b.file, place(b))));
        let mut kept: Vec<Diagnosis> = Vec::new();
        for problem in problems {
            if !kept.contains(&problem) {
                kept.push(problem);
            }
        }
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// Returns `Ok` if there are no problems.
    pub fn none_in(problems: Vec<Diagnosis>) -> Result<(), Self> {
        Self::found(problems).map_or(Ok(()), Err)
    }

    /// All problems, sorted by file and line.
    pub fn all(&self) -> &[Diagnosis] {
        &self.0
    }

    /// Applies a change to every problem.
    #[must_use]
    pub fn map(self, change: impl FnMut(Diagnosis) -> Diagnosis) -> Self {
        Self(self.0.into_iter().map(change).collect())
    }

    /// All problems as a list, for combining with others.
    pub fn into_vec(self) -> Vec<Diagnosis> {
        self.0
    }
}

impl From<Diagnosis> for Problems {
    fn from(diagnosis: Diagnosis) -> Self {
        Self(vec![diagnosis])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
