//! Digits in the prose of templates. Every figure of a report is computed, so a digit that was typed is a mistake, unless the
//! template says that it is none of the results'.
//!
//! Prose is all text of a Markdown template but code, addresses of links and numbers of lists. A digit in it is allowed
//!
//! * within a name, which begins with a letter: `blur-0`, `CIFAR-10`;
//! * in a tag, `{{ … }}` or `{% … %}`, unless the tag prints a constant: `{{ 0.864 }}`;
//! * between `{# digits: WHY #}` and `{# digits: end #}`: years and volumes of citations, definitions.

mod shown;
mod tags;

use crate::{
    error::ReportError,
    template::{
        files,
        render::{check_syntax, name_for},
    },
};
use shown::Shown;
use std::{ops::Range, path::Path};
use tags::{Kind, Piece};

/// Most findings of one template that are listed.
const MOST: usize = 20;
/// Start of the comments that say where digits are allowed.
const MARK: &str = "digits:";
const END: &str = "end";

/// Something typed where a figure must be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters, at least 1.
    pub width: usize,
    /// Text of the line.
    pub source_line: String,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// Names of all Markdown templates of a folder, sorted: `blurring.md.j2`, `partials/results.md.j2`.
///
/// # Errors
/// A folder that cannot be listed, or holds very many templates.
pub fn templates(folder: &Path) -> Result<Vec<String>, ReportError> {
    files::names(folder)
}

/// The template of a study, and all that it includes or imports by name, in the order in which they are met.
///
/// # Errors
/// A template that cannot be read, or is no text.
pub fn templates_of(folder: &Path, study: &str) -> Result<Vec<String>, ReportError> {
    let mut found = vec![name_for(folder, study)];
    let mut at = 0;
    while let Some(name) = found.get(at) {
        let source = files::text(folder, name)?.unwrap_or_default();
        for used in included(&source) {
            if used.ends_with(files::ENDING) && !found.contains(&used) {
                found.push(used);
            }
        }
        at += 1;
    }
    Ok(found)
}

/// What is wrong with the prose of the template `name` in `folder`, from its top to its end.
///
/// # Errors
/// A template that is missing, cannot be read, is longer than a mebibyte, or does not parse.
pub fn check(folder: &Path, name: &str) -> Result<Vec<Finding>, ReportError> {
    check_syntax(folder, name)?;
    let source = files::text(folder, name)?.unwrap_or_default();
    Ok(findings(&source))
}

fn findings(source: &str) -> Vec<Finding> {
    let pieces = tags::pieces(source);
    let (allowed, mut problems) = allowed(source, &pieces);
    problems.extend(constants(source, &pieces));
    problems.extend(typed(source, &pieces));
    problems.retain(|problem| !problem.is_digit || !allowed.iter().any(|range| range.contains(&problem.range.start)));
    problems.sort_by_key(|problem| problem.range.start);
    let more = problems.len().saturating_sub(MOST);
    let lines = Lines::new(source);
    let mut findings: Vec<_> = problems.into_iter().take(MOST).map(|problem| lines.finding(problem)).collect();
    if let Some(last) = findings.last_mut().filter(|_| more > 0) {
        last.message = format!("{}; {more} more follow in this file", last.message);
    }
    findings
}

/// What is wrong, and where in the source.
struct Problem {
    range: Range<usize>,
    /// Whether a region in which digits are allowed makes it right.
    is_digit: bool,
    message: String,
    help: &'static str,
}

impl Problem {
    fn of_mark(piece: &Piece, message: &str, help: &'static str) -> Self {
        Self { range: piece.whole.clone(), is_digit: false, message: message.to_owned(), help }
    }
}

/// Where digits are allowed, and what is wrong with the comments that say so.
fn allowed(source: &str, pieces: &[Piece]) -> (Vec<Range<usize>>, Vec<Problem>) {
    const PAIR: &str =
        "write `{# digits: WHY #}` before and `{# digits: end #}` behind the text, both in the same file";
    let (mut regions, mut problems) = (Vec::new(), Vec::new());
    let mut open: Option<&Piece> = None;
    for piece in pieces.iter().filter(|piece| piece.kind == Kind::Comment) {
        let Some(what) = source[piece.inner.clone()].trim().strip_prefix(MARK).map(str::trim) else { continue };
        match (what, open) {
            (END, Some(start)) => {
                regions.push(start.whole.start..piece.whole.end);
                open = None;
            }
            (END, None) => {
                problems.push(Problem::of_mark(piece, "this ends a text with digits that did not begin", PAIR));
            }
            ("", _) => problems.push(Problem::of_mark(piece, "it is not said why digits are allowed here", PAIR)),
            (_, None) => open = Some(piece),
            (_, Some(_)) => {
                problems.push(Problem::of_mark(
                    piece,
                    "digits are allowed here already, and that has no end yet",
                    PAIR,
                ));
            }
        }
    }
    if let Some(start) = open {
        problems.push(Problem::of_mark(start, "the text in which digits are allowed has no end", PAIR));
    }
    (regions, problems)
}

/// Tags that print a constant with digits, as `{{ 0.864 }}` or `{{ "0.864" | safe }}`: as good as typed.
fn constants(source: &str, pieces: &[Piece]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for piece in pieces.iter().filter(|piece| piece.kind == Kind::Output) {
        let inner = &source[piece.inner.clone()];
        let (mut quote, mut named, mut digits) = (None, false, false);
        for c in inner.chars() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                // Filters only change what they get.
                (None, '|') => break,
                (None, c) if c.is_alphabetic() || c == '_' => named = true,
                (_, c) => digits |= c.is_numeric(),
            }
        }
        if digits && !named {
            problems.push(Problem {
                range: piece.whole.clone(),
                is_digit: true,
                message: "a constant is printed".to_owned(),
                help: "print a figure by a function, such as `value(\"ssl.dice\", \"corrected\")`: templates/README.md lists them",
            });
        }
    }
    problems
}

/// Digits in the prose.
fn typed(source: &str, pieces: &[Piece]) -> Vec<Problem> {
    let shown = Shown::new(source, pieces);
    let prose = shown.prose();
    let figures = figures(&shown.text).into_iter().filter(|range| prose[range.start]);
    let problem = |range: Range<usize>| {
        let start = shown.origin[range.start];
        let last = shown.origin[range.end - 1];
        Problem {
            range: start..(last + 1).max(start + 1),
            is_digit: true,
            message: format!("a figure is typed, not computed: `{}`", &shown.text[range]),
            help: "let a function print it, such as `value(\"ssl.dice\", \"corrected\")`; quote another text by `statements`; put \
                   a text that holds none of the results between `{# digits: WHY #}` and `{# digits: end #}`",
        }
    };
    figures.map(problem).collect()
}

/// The figures of a text: digits that no name holds, with what belongs to them.
fn figures(text: &str) -> Vec<Range<usize>> {
    let mut figures: Vec<Range<usize>> = Vec::new();
    // The end of the word that a run stands in, and whether it is a bare address.
    let (mut word_end, mut address) = (0, false);
    for (start, run) in runs(text) {
        let end = start + run.len();
        if start >= word_end {
            let word = word_at(text, start);
            address = text[word.clone()].contains("://");
            word_end = word.end;
        }
        let Some(digit) = run.find(char::is_numeric) else { continue };
        let named = run[..digit].contains(char::is_alphabetic);
        if named || address {
            continue;
        }
        // `0.864` and `3,669` are one figure each.
        match figures.last_mut() {
            Some(last) if last.end + 1 == start && text[last.end..start].contains(['.', ',']) => last.end = end,
            _ => figures.push(start + digit..end),
        }
    }
    figures
}

/// Runs of letters, digits, `_` and `-`: what a name is made of.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(of_name)?;
        let end = text[start..].find(|c| !of_name(c)).map_or(text.len(), |length| start + length);
        at = end;
        Some((start, &text[start..end]))
    })
}

/// What stands between spaces or brackets around `at`.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')');
    let start = text[..at].rfind(ends).map_or(0, |i| i + text[i..].chars().next().map_or(1, char::len_utf8));
    let end = text[at..].find(ends).map_or(text.len(), |length| at + length);
    start..end
}

/// The templates that one includes, imports or extends by name.
fn included(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for piece in tags::pieces(source).iter().filter(|piece| piece.kind == Kind::Statement) {
        let inner = source[piece.inner.clone()].trim();
        let verb = inner.split_whitespace().next().unwrap_or_default();
        if matches!(verb, "include" | "import" | "from" | "extends") {
            let quoted = inner.split(['"', '\'']).skip(1).step_by(2);
            names.extend(quoted.map(str::to_owned));
        }
    }
    names
}

/// Lines of a source, to be found by byte.
struct Lines<'a> {
    source: &'a str,
    /// Where each line starts.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(source: &'a str) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { source, starts }
    }

    fn finding(&self, problem: Problem) -> Finding {
        let line = self.starts.partition_point(|&start| start <= problem.range.start).max(1) - 1;
        let start = self.starts[line];
        let source_line = self.source[start..].lines().next().unwrap_or_default();
        let before = &self.source[start..problem.range.start];
        let marked = &source_line[before.len().min(source_line.len())..];
        let length = marked.char_indices().take_while(|(i, _)| problem.range.start + i < problem.range.end).count();
        Finding {
            line: line + 1,
            column: before.chars().count() + 1,
            width: length.max(1),
            source_line: source_line.to_owned(),
            message: problem.message,
            help: problem.help,
        }
    }
}

#[cfg(test)]
mod tests;
