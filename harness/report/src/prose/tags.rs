//! A template cut into text and tags.

use std::ops::Range;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Where it stands in the source, its delimiters included.
    pub(super) whole: Range<usize>,
    /// What stands between the delimiters, without marks for whitespace. Of text, all of it.
    pub(super) inner: Range<usize>,
}

/// What a part of a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Shown as it stands.
    Text,
    /// `{{ … }}`: its value is shown.
    Output,
    /// `{% … %}`: shows nothing.
    Statement,
    /// `{# … #}`: likewise.
    Comment,
}

/// The parts of a template, in order. What is not closed reaches to the end: minijinja says so where it is rendered.
pub(super) fn pieces(source: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let start = next_tag(source, at);
        push_text(&mut pieces, at..start);
        if start == source.len() {
            break;
        }
        let tag = tag(source, start);
        at = tag.whole.end;
        let raw = tag.kind == Kind::Statement && source[tag.inner.clone()].trim() == "raw";
        pieces.push(tag);
        if raw {
            let end = end_of_raw(source, at);
            push_text(&mut pieces, at..end);
            at = end;
        }
    }
    pieces
}

/// Where the next tag starts, from `at` on; the end if there is none.
fn next_tag(source: &str, at: usize) -> usize {
    let opens = |(i, _): &(usize, &str)| matches!(source.as_bytes().get(at + i + 1), Some(b'{' | b'%' | b'#'));
    source[at..].match_indices('{').find(opens).map_or(source.len(), |(i, _)| at + i)
}

fn push_text(pieces: &mut Vec<Piece>, range: Range<usize>) {
    if !range.is_empty() {
        pieces.push(Piece { kind: Kind::Text, inner: range.clone(), whole: range });
    }
}

/// The tag that starts at `start`.
fn tag(source: &str, start: usize) -> Piece {
    let (kind, close) = match source.as_bytes().get(start + 1) {
        Some(b'{') => (Kind::Output, "}}"),
        Some(b'%') => (Kind::Statement, "%}"),
        _ => (Kind::Comment, "#}"),
    };
    let body = start + 2;
    let length = if kind == Kind::Comment { source[body..].find(close) } else { close_of(&source[body..], close) };
    let (inner_end, end) =
        length.map_or((source.len(), source.len()), |length| (body + length, body + length + close.len()));
    Piece { kind, whole: start..end, inner: without_marks(source, body..inner_end) }
}

/// Where an expression closes: not within a text in quotes, and not at a brace that a mapping opened.
fn close_of(text: &str, close: &str) -> Option<usize> {
    let (mut quote, mut escaped, mut braces) = (None, false, 0_usize);
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => braces += 1,
            (None, _) if braces == 0 && text[i..].starts_with(close) => return Some(i),
            (None, '}') => braces = braces.saturating_sub(1),
            // Within quotation marks, or a sign that means nothing.
            _ => {}
        }
    }
    None
}

/// Without the `-` or `+` at either end, which says what becomes of the whitespace beside a tag.
fn without_marks(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let front = usize::from(text.starts_with(['-', '+']));
    let back = usize::from(text.len() > front && text.ends_with(['-', '+']));
    range.start + front..range.end - back
}

/// Where the tag that ends a raw block starts.
fn end_of_raw(source: &str, from: usize) -> usize {
    let ends = |(i, _): &(usize, &str)| {
        let inner = source[from + i + 2..].trim_start_matches(['-', '+']).trim_start();
        let rest = inner.strip_prefix("endraw").map(|rest| rest.trim_start().trim_start_matches(['-', '+']));
        rest.is_some_and(|rest| rest.starts_with("%}"))
    };
    source[from..].match_indices("{%").find(ends).map_or(source.len(), |(i, _)| from + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(source: &str) -> Vec<(Kind, &str)> {
        let pieces = pieces(source);
        let whole: String = pieces.iter().map(|piece| &source[piece.whole.clone()]).collect();
        assert_eq!(whole, source, "nothing is lost");
        pieces.into_iter().map(|piece| (piece.kind, &source[piece.inner])).collect()
    }

    #[test]
    fn tags_end_where_minijinja_ends_them() {
        let source = "a {{ f(\"}}\\\"}}\", {'x': {}}) -}} b {%- if x -%}\nc{# {{ 1 }} -#} d";
        let expected = [
            (Kind::Text, "a "),
            (Kind::Output, " f(\"}}\\\"}}\", {'x': {}}) "),
            (Kind::Text, " b "),
            (Kind::Statement, " if x "),
            (Kind::Text, "\nc"),
            (Kind::Comment, " {{ 1 }} "),
            (Kind::Text, " d"),
        ];
        assert_eq!(cut(source), expected);
        assert_eq!(cut("{{ a"), [(Kind::Output, " a")]);
        assert_eq!(cut("a {"), [(Kind::Text, "a {")]);
        assert_eq!(cut("{{-}}"), [(Kind::Output, "")]);
    }

    #[test]
    fn a_raw_block_is_text() {
        let source = "{% raw %}{{ 1 }}{% if %}{%- endraw -%}2";
        let expected = [
            (Kind::Statement, " raw "),
            (Kind::Text, "{{ 1 }}{% if %}"),
            (Kind::Statement, " endraw "),
            (Kind::Text, "2"),
        ];
        assert_eq!(cut(source), expected);
        assert_eq!(cut("{% raw %}{{ 1 }}"), [(Kind::Statement, " raw "), (Kind::Text, "{{ 1 }}")]);
    }
}
