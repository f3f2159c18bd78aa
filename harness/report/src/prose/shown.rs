//! What a template shows of its own text, as Markdown, and where each byte of it stands in the source.

use super::tags::{Kind, Piece};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Stands for what a tag prints: no letter, so that a figure beside it is no name, and nothing that Markdown reads.
const PRINTED: char = '\u{fffc}';

/// The Markdown of a template: tags that print are one character, others nothing.
pub(super) struct Shown {
    pub(super) text: String,
    /// Where each byte of `text` stands in the source.
    pub(super) origin: Vec<usize>,
}

impl Shown {
    pub(super) fn new(source: &str, pieces: &[Piece]) -> Self {
        let mut shown = Self { text: String::with_capacity(source.len()), origin: Vec::with_capacity(source.len()) };
        let mut after_tag = false;
        for piece in pieces {
            match piece.kind {
                Kind::Text => shown.push_text(source, piece, after_tag),
                Kind::Output => shown.push(PRINTED, piece.whole.start),
                Kind::Statement | Kind::Comment => shown.trim_indent(),
            }
            after_tag = matches!(piece.kind, Kind::Statement | Kind::Comment);
        }
        shown
    }

    fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.origin.resize(self.text.len(), at);
    }

    /// The line's end behind a tag that prints nothing is not shown.
    fn push_text(&mut self, source: &str, piece: &Piece, after_tag: bool) {
        let text = &source[piece.inner.clone()];
        let ends = if after_tag { ["\r\n", "\n"] } else { ["", ""] };
        let skip = ends.iter().find(|end| text.starts_with(**end)).map_or(0, |end| end.len());
        for (i, c) in text[skip..].char_indices() {
            self.push(c, piece.inner.start + skip + i);
        }
    }

    /// Nor is what indents such a tag.
    fn trim_indent(&mut self) {
        let kept = self.text.trim_end_matches([' ', '\t']).len();
        if kept == 0 || self.text[..kept].ends_with('\n') {
            self.text.truncate(kept);
            self.origin.truncate(kept);
        }
    }

    /// For each byte of the text, whether it is prose: not code, not the address of a link, not the number of a list.
    pub(super) fn prose(&self) -> Vec<bool> {
        let mut prose = vec![false; self.text.len()];
        let mut fenced = false;
        let options = Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_TASKLISTS;
        for (event, range) in Parser::new_ext(&self.text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => fenced = true,
                Event::End(TagEnd::CodeBlock) => fenced = false,
                // Indentation makes code of lines that a loop or a condition indents, so that kind counts as prose.
                Event::Text(_) | Event::Html(_) | Event::InlineHtml(_) if !fenced => prose[range].fill(true),
                _ => {}
            }
        }
        prose
    }
}
