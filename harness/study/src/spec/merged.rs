//! Merges layers into one document in which every field remembers the layer it came from.
//!
//! Mappings merge key by key. Any other value replaces the value below it. A mapping that makes a choice
//! (`model: {vqvae: …}`) replaces a different choice instead of merging with it.

use super::{
    diagnosis::Diagnosis,
    locate::{Found, Span},
    path::{Path, Step},
    source::Source,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// Keys whose mapping has a single key, the choice.
const CHOICES: [&str; 8] = ["dataset", "model", "init", "optimizer", "distortion", "schedule", "split", "validation"];

/// The field whose parts are sums of terms. A layer that gives a sum replaces the sum below it.
const SUMS: &str = "losses";

/// The kind of layer that a field comes from. Later kinds lie on top of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Base,
    File,
    BaseProfile,
    FileProfile,
    Override,
}

/// One layer, with the positions of its fields.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) kind: Kind,
    pub(super) source: Arc<Source>,
    /// The path of the layer's fields in its source: `profiles.sample`.
    pub(super) inside: Path,
    /// For an override: the field it sets, and the position of that field's name in the argument.
    pub(super) sets: Option<(Path, Span)>,
}

/// A spec with one profile and the command line's overrides laid over it.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The study's name.
    pub name: String,
    /// The merged document.
    pub value: Value,
    layers: Vec<Layer>,
    /// The value that each layer added, and the path it was laid on.
    laid: Vec<(Path, Value)>,
    /// For every field, the layers it was made of, from the lowest to the highest.
    origins: BTreeMap<Path, Vec<usize>>,
}

impl Layer {
    /// The position of a field in this layer. The layer must have the field.
    fn find(&self, path: &Path) -> Option<Found> {
        let steps: Vec<Step> = self.inside.0.iter().chain(&path.0).cloned().collect();
        let Some((set, span)) = &self.sets else {
            return self.source.positions.find(&steps);
        };
        match steps.strip_prefix(set.0.as_slice()) {
            Some(rest) => {
                let mut found = self.source.positions.find(rest)?;
                found.key = if rest.is_empty() { Some(*span) } else { found.key };
                Some(found)
            }
            None => Some(Found { key: Some(*span), value: *span, scalar: true }),
        }
    }
}

impl Merged {
    /// An empty document without layers.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: Value::Null,
            layers: Vec::new(),
            laid: Vec::new(),
            origins: BTreeMap::new(),
        }
    }

    /// A document of one layer, a file with nothing laid over it.
    pub fn of_file(name: &str, source: Source, value: Value) -> Self {
        let mut merged = Self::new(name);
        let layer = Layer { kind: Kind::File, source: Arc::new(source), inside: Path::default(), sets: None };
        merged.lay(&Path::default(), value, layer);
        merged
    }

    /// Lays `over` on the existing field at `at`.
    pub(super) fn lay(&mut self, at: &Path, over: Value, layer: Layer) {
        self.layers.push(layer);
        self.laid.push((at.clone(), over.clone()));
        let number = self.layers.len() - 1;
        let mut value = std::mem::take(&mut self.value);
        if let Some(holder) = at.get_mut(&mut value) {
            self.lay_over(holder, over, at, number);
        }
        self.value = value;
    }

    /// This document with the `fields` of the mapping at `place` laid over its root. The fields keep their positions in
    /// the source.
    pub(crate) fn over_itself(&self, place: &Path, fields: &[&str]) -> Self {
        let mut merged = self.clone();
        for (layer, (at, laid)) in self.layers.iter().zip(&self.laid) {
            let part = match at.0.strip_prefix(place.0.as_slice()) {
                Some(rest) => Some((Path(rest.to_vec()), laid)),
                None => place
                    .0
                    .strip_prefix(at.0.as_slice())
                    .and_then(|rest| Some((Path::default(), Path(rest.to_vec()).get(laid)?))),
            };
            if let Some((at, part)) = part {
                let mut part = part.clone();
                match (at.0.first(), &mut part) {
                    (Some(Step::Key(key)), _) if fields.contains(&key.as_str()) => {}
                    (None, Value::Object(map)) => map.retain(|key, _| fields.contains(&key.as_str())),
                    _ => continue,
                }
                let inside = Path(layer.inside.0.iter().chain(&place.0).cloned().collect());
                merged.lay(&at, part, Layer { inside, ..layer.clone() });
            }
        }
        merged
    }

    fn lay_over(&mut self, below: &mut Value, over: Value, path: &Path, layer: usize) {
        match (below, over) {
            (Value::Object(below), Value::Object(over)) if !chooses_anew(path, below, &over) => {
                self.origins.entry(path.clone()).or_default().push(layer);
                for (key, value) in over {
                    let path = path.key(&key);
                    if let Some(below) = below.get_mut(&key) {
                        self.lay_over(below, value, &path, layer);
                    } else {
                        self.made_by(&value, path, layer);
                        below.insert(key, value);
                    }
                }
            }
            (below, over) => {
                self.origins.retain(|origin, _| !origin.0.starts_with(&path.0));
                self.made_by(&over, path.clone(), layer);
                *below = over;
            }
        }
    }

    fn made_by(&mut self, value: &Value, path: Path, layer: usize) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| self.made_by(value, path.key(key), layer)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, value)| self.made_by(value, path.with(Step::Index(index)), layer)),
            _ => {}
        }
        self.origins.insert(path, vec![layer]);
    }
}

/// Returns true if both mappings make a choice and the choices differ, or if the mappings are sums.
fn chooses_anew(path: &Path, below: &Map<String, Value>, over: &Map<String, Value>) -> bool {
    if path.parent().is_some_and(|parent| parent.last_key() == Some(SUMS)) {
        return true;
    }
    let choice = path.last_key().is_some_and(|key| CHOICES.contains(&key));
    choice && below.len() == 1 && over.len() == 1 && below.keys().ne(over.keys())
}

/// The part of a field that a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// The field's name.
    Name,
    /// The field's value.
    Value,
    /// Something that is missing from this mapping.
    Inside,
}

impl Merged {
    /// Describes a problem of the field at `path` (`arms[0].label`), for checks made after decoding. If the field does
    /// not exist, the nearest field around it is shown.
    pub fn at(&self, path: &str, message: impl Into<String>) -> Diagnosis {
        let wanted = Path::parse(path).unwrap_or_default();
        let aim = if wanted.get(&self.value).is_some() { Aim::Value } else { Aim::Inside };
        self.diagnose(&wanted, aim, message)
    }

    /// Describes a problem of a field and shows it in the layer that the field comes from.
    pub(super) fn diagnose(&self, wanted: &Path, aim: Aim, message: impl Into<String>) -> Diagnosis {
        let path = wanted.existing(&self.value);
        let none = Vec::new();
        let origins = self.origins.get(&path).unwrap_or(&none).iter().filter_map(|number| self.layers.get(*number));
        // A missing field is best added in the study's own file. A wrong value was last set by the topmost layer.
        let own = origins.clone().find(|layer| aim == Aim::Inside && layer.kind == Kind::File);
        let Some(layer) = own.or_else(|| origins.max_by_key(|layer| layer.kind)) else {
            return Diagnosis { field: Some(wanted.to_string()), ..Diagnosis::of_file(&self.name, message) };
        };
        let span = layer.find(&path).map(|found| match aim {
            Aim::Value => found.short(),
            Aim::Name | Aim::Inside => found.name(),
        });
        let field = Path(layer.inside.0.iter().chain(&wanted.0).cloned().collect()).to_string();
        Diagnosis { field: Some(field).filter(|f| !f.is_empty()), ..layer.source.diagnose(span, message) }
    }
}
