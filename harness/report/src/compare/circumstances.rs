//! What else is different about two results: settings, versions, commits, devices, data.

use crate::inputs::file::short;
use harness_record::run::{HostRecord, RunRecord};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a circumstance is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Settings of the spec, and of an arm in words.
    Settings,
    /// Words of the spec and what its report shows: they decide no number.
    Words,
    /// Versions of what computed the numbers.
    Versions,
    /// Commits of the checkout that ran.
    Commits,
    /// Devices.
    Devices,
    /// Digests of the data.
    Data,
}

impl Topic {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Words => "words and report",
            Self::Versions => "versions",
            Self::Commits => "commits",
            Self::Devices => "devices",
            Self::Data => "data",
        }
    }
}

/// Something that is different about two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Circumstance {
    /// What it is about.
    pub topic: Topic,
    /// Its name: the path of a setting, the name of a version.
    pub field: String,
    /// Its value in A, if it has one.
    pub a: Option<String>,
    /// Its value in B, if it has one.
    pub b: Option<String>,
}

/// What is known of a result, by topic and name. There may be several values of one: runs of two commits.
#[derive(Debug, Default)]
pub(super) struct Facts(BTreeMap<(Topic, String), BTreeSet<String>>);

impl Facts {
    fn add(&mut self, topic: Topic, field: &str, value: impl Into<String>) {
        self.0.entry((topic, field.to_owned())).or_default().insert(value.into());
    }

    /// Notes a setting; nothing where it is not known.
    pub(super) fn setting(&mut self, field: &str, value: &str) {
        if !value.is_empty() {
            self.add(Topic::Settings, field, value);
        }
    }

    /// Notes every field of a resolved spec.
    pub(super) fn spec(&mut self, spec: Option<&Value>) {
        // The spec of a report stands under `study`, beside profile and settings; the settings of a run stand alone.
        if let Some(spec) = spec.map(|spec| spec.get("study").filter(|study| study.is_object()).unwrap_or(spec)) {
            self.fields("", spec);
        }
    }

    fn fields(&mut self, path: &str, value: &Value) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                fields.iter().for_each(|(key, value)| self.fields(&below(key), value));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for (i, item) in items.iter().enumerate() {
                    // A name stays where a place in a list moves.
                    let name = item.get("name").and_then(Value::as_str).map_or_else(|| i.to_string(), str::to_owned);
                    self.fields(&format!("{path}[{name}]"), item);
                }
            }
            Value::String(text) => self.add(topic_of(path), path, text),
            other => self.add(topic_of(path), path, other.to_string()),
        }
    }

    /// Notes what a run was made with, and on which commit where that is known.
    pub(super) fn run(&mut self, run: &RunRecord, host: Option<&HostRecord>) {
        let stage = run.stage.name();
        for (name, version) in &run.versions {
            self.add(Topic::Versions, name, version);
        }
        if let Some(host) = host {
            let dirty = if host.dirty { " with uncommitted changes" } else { "" };
            self.add(Topic::Commits, stage, format!("{}{dirty}", host.commit.as_deref().map_or("none", short)));
        }
        let exact = if run.deterministic { "" } else { ", not deterministic" };
        self.add(Topic::Devices, stage, format!("{}{exact}", run.device));
        self.add(Topic::Data, stage, short(&run.data));
    }
}

fn topic_of(path: &str) -> Topic {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    let words = ["title", "question", "expectation", "report"].contains(&first)
        || (first == "arms" && matches!(path.rsplit('.').next(), Some("label" | "description")));
    if words { Topic::Words } else { Topic::Settings }
}

/// What is not the same, sorted by topic and name.
pub(super) fn differing(a: &Facts, b: &Facts) -> Vec<Circumstance> {
    let names: BTreeSet<_> = a.0.keys().chain(b.0.keys()).collect();
    let differing = names.into_iter().filter(|name| a.0.get(*name) != b.0.get(*name));
    let value = |facts: &Facts, name| {
        facts.0.get(name).map(|values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    differing
        .map(|name| Circumstance { topic: name.0, field: name.1.clone(), a: value(a, name), b: value(b, name) })
        .collect()
}
