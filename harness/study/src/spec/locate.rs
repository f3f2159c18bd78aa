//! Finds the position of every field in a YAML text.
//!
//! `serde_yaml` reads the values but reports no positions. This module walks the events of a second parser and records
//! the line and column of every key and value. It also refuses texts that are read differently from how they look: a
//! repeated key, a second document, and aliases that expand without end.

use super::path::Step;
use saphyr_parser::{Event, Parser};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of values in a text, with its aliases expanded.
const MOST_VALUES: usize = 100_000;
/// Maximum depth of nested mappings and lists, with aliases expanded.
const MOST_LEVELS: usize = 64;
/// The key that merges other mappings into the one it stands in.
pub(super) const MERGE_KEY: &str = "<<";

/// A range of characters in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Number of characters, at least 1.
    pub width: usize,
}

/// The position of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Position of its name. `None` for the root and for elements of lists.
    pub key: Option<Span>,
    /// Position of its value.
    pub value: Span,
    /// True if the value is neither a mapping nor a list.
    pub scalar: bool,
}

impl Found {
    /// The position of the name if there is one, otherwise of the value.
    pub fn name(self) -> Span {
        self.key.unwrap_or(self.value)
    }

    /// The position of the value if it is a scalar, otherwise of the name.
    pub fn short(self) -> Span {
        if self.scalar { self.value } else { self.name() }
    }
}

/// The reason that a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The place of the problem.
    pub(super) span: Span,
    /// The problem.
    pub(super) message: String,
    /// True if the text is not valid YAML. Another parser may then give a better message.
    pub(super) syntax: bool,
}

/// Positions of all keys and values of a text. Aliases share the node of their anchor.
#[derive(Debug, Clone, Default)]
pub struct Positions {
    nodes: Vec<Node>,
    root: Option<usize>,
}

#[derive(Debug, Clone)]
struct Node {
    span: Span,
    kind: Kind,
    /// Number of values in this one, itself included.
    size: usize,
    /// Number of levels of mappings and lists in this one, itself included.
    levels: usize,
    /// True once its end was seen. An alias to an open node would contain itself.
    closed: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Scalar,
    List(Vec<usize>),
    Mapping(Vec<(String, Span, usize)>),
}

/// A mapping or list whose end has not been seen yet.
struct Open {
    node: usize,
    /// The key that waits for its value, in a mapping.
    key: Option<(String, Span)>,
    names: BTreeSet<String>,
}

impl Positions {
    /// Reads the positions of `text`.
    pub(super) fn scan(text: &str) -> Result<Self, Refusal> {
        let mut scan = Scan::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let mark = error.marker();
                Refusal {
                    span: Span { line: mark.line().max(1), column: mark.col() + 1, width: 1 },
                    message: error.info().to_owned(),
                    syntax: !error.info().contains("recursion"),
                }
            })?;
            let (start, end) = (span.start, span.end);
            let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { usize::MAX };
            scan.event(event, Span { line: start.line(), column: start.col() + 1, width: width.max(1) })?;
        }
        Ok(scan.positions)
    }

    /// The position of the field at `path`, if the text has it.
    pub fn find(&self, path: &[Step]) -> Option<Found> {
        let mut node = self.root?;
        let mut key = None;
        for step in path {
            (node, key) = match (&self.nodes[node].kind, step) {
                (Kind::List(items), Step::Index(index)) => (*items.get(*index)?, None),
                (Kind::Mapping(_), Step::Key(name)) => {
                    let (value, span) = self.entry(node, name)?;
                    (value, Some(span))
                }
                _ => return None,
            };
        }
        let Node { span, kind, .. } = &self.nodes[node];
        Some(Found { key, value: *span, scalar: matches!(kind, Kind::Scalar) })
    }

    /// The same positions for a text whose first line starts `columns` further to the right.
    pub(super) fn shifted(mut self, columns: usize) -> Self {
        let shift = |span: &mut Span| span.column += if span.line == 1 { columns } else { 0 };
        for node in &mut self.nodes {
            shift(&mut node.span);
            if let Kind::Mapping(entries) = &mut node.kind {
                for (_, span, _) in entries {
                    shift(span);
                }
            }
        }
        self
    }

    /// Node and position of a key of a mapping, or of a mapping merged into it.
    fn entry(&self, mapping: usize, name: &str) -> Option<(usize, Span)> {
        let Kind::Mapping(entries) = &self.nodes[mapping].kind else { return None };
        let with_key = |wanted: &str| entries.iter().find(|(key, ..)| key == wanted).map(|(_, s, n)| (*n, *s));
        if let Some(found) = with_key(name) {
            return Some(found);
        }
        let (merged, _) = with_key(MERGE_KEY)?;
        match &self.nodes[merged].kind {
            Kind::List(sources) => sources.iter().find_map(|source| self.entry(*source, name)),
            _ => self.entry(merged, name),
        }
    }
}

fn refusal(span: Span, message: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal { span, message: message.into(), syntax: false })
}

#[derive(Default)]
struct Scan {
    positions: Positions,
    open: Vec<Open>,
    anchors: BTreeMap<usize, usize>,
    documents: usize,
}

impl Scan {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Refusal> {
        let refuse = |message| refusal(span, message);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return refuse("a second document starts here; a spec is one document");
                }
                Ok(())
            }
            Event::Scalar(text, _, anchor, _) => {
                if self.wants_key() {
                    return self.key(text.into_owned(), span);
                }
                let node = self.node(span, Kind::Scalar, anchor);
                self.close(node, span)
            }
            Event::Alias(anchor) => {
                if self.wants_key() {
                    return refuse("a key must be plain text, not an alias");
                }
                match self.anchors.get(&anchor) {
                    Some(&node) if self.positions.nodes[node].closed => self.attach(node, span),
                    _ => refuse("this alias contains itself"),
                }
            }
            Event::SequenceStart(anchor, _) => self.start(span, Kind::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.start(span, Kind::Mapping(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.close(open.node, self.positions.nodes[open.node].span),
                None => Ok(()),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.key.is_none() && matches!(self.positions.nodes[open.node].kind, Kind::Mapping(_)))
    }

    fn key(&mut self, name: String, span: Span) -> Result<(), Refusal> {
        if let Some(open) = self.open.last_mut() {
            if !open.names.insert(name.clone()) {
                return refusal(span, format!("`{name}` is given twice"));
            }
            open.key = Some((name, span));
        }
        Ok(())
    }

    fn node(&mut self, span: Span, kind: Kind, anchor: usize) -> usize {
        let levels = usize::from(!matches!(kind, Kind::Scalar));
        self.positions.nodes.push(Node { span, kind, size: 1, levels, closed: false });
        let node = self.positions.nodes.len() - 1;
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        node
    }

    fn start(&mut self, span: Span, kind: Kind, anchor: usize) -> Result<(), Refusal> {
        if self.wants_key() {
            return refusal(span, "a key must be plain text, not a list or mapping");
        }
        if self.open.len() >= MOST_LEVELS {
            return refusal(span, format!("more than {MOST_LEVELS} levels of nesting"));
        }
        let node = self.node(span, kind, anchor);
        self.open.push(Open { node, key: None, names: BTreeSet::new() });
        Ok(())
    }

    /// Ends a node and attaches it to the node around it.
    fn close(&mut self, node: usize, span: Span) -> Result<(), Refusal> {
        self.positions.nodes[node].closed = true;
        self.attach(node, span)
    }

    fn attach(&mut self, node: usize, span: Span) -> Result<(), Refusal> {
        let Some(open) = self.open.last_mut() else {
            self.positions.root = Some(node);
            return Ok(());
        };
        let Node { size, levels, .. } = self.positions.nodes[node];
        let around = &mut self.positions.nodes[open.node];
        around.size = around.size.saturating_add(size);
        around.levels = around.levels.max(levels + 1);
        if around.size > MOST_VALUES {
            return refusal(span, format!("more than {MOST_VALUES} values, aliases unfolded"));
        }
        if around.levels > MOST_LEVELS {
            return refusal(span, format!("more than {MOST_LEVELS} levels, aliases unfolded"));
        }
        match &mut around.kind {
            Kind::List(items) => items.push(node),
            Kind::Mapping(entries) => {
                if let Some((name, span)) = open.key.take() {
                    entries.push((name, span, node));
                }
            }
            Kind::Scalar => {}
        }
        Ok(())
    }
}
