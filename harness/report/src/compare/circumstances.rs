//! Other differences between two results: settings, versions, commits, devices, data.

use crate::inputs::file::short;
use harness_record::run::{HostRecord, RunRecord};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The subject of a circumstance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Settings of the spec, and the settings of an arm in words.
    Settings,
    /// Texts of the spec and the contents of its report, which do not affect any number.
    Words,
    /// Versions of the software and hardware that computed the numbers.
    Versions,
    /// Commits of the program and of the specs that the runs used.
    Commits,
    /// Devices that the runs used.
    Devices,
    /// Digests of the data.
    Data,
}

impl Topic {
    /// The topic in words.
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

/// A property that differs between two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Circumstance {
    /// The subject.
    pub topic: Topic,
    /// The name: the path of a setting, or the name of a version.
    pub field: String,
    /// The value in A, if it has one.
    pub a: Option<String>,
    /// The value in B, if it has one.
    pub b: Option<String>,
}

/// The known facts of a result, by topic and name. A name can have several values, for example if runs used two
/// commits.
#[derive(Debug, Default)]
pub(super) struct Facts(BTreeMap<(Topic, String), BTreeSet<String>>);

impl Facts {
    fn add(&mut self, topic: Topic, field: &str, value: impl Into<String>) {
        self.0.entry((topic, field.to_owned())).or_default().insert(value.into());
    }

    /// Adds a setting; does nothing if its value is empty (unknown).
    pub(super) fn setting(&mut self, field: &str, value: &str) {
        if !value.is_empty() {
            self.add(Topic::Settings, field, value);
        }
    }

    /// Adds every field of a resolved spec.
    pub(super) fn spec(&mut self, spec: Option<&Value>) {
        // The spec of a report is under `study`, beside profile and settings. The settings of a run have no such
        // wrapper.
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
                    // The name of an item stays the same when its index in the list changes.
                    let name = item.get("name").and_then(Value::as_str).map_or_else(|| i.to_string(), str::to_owned);
                    self.fields(&format!("{path}[{name}]"), item);
                }
            }
            Value::String(text) => self.add(topic_of(path), path, text),
            other => self.add(topic_of(path), path, other.to_string()),
        }
    }

    /// Adds the versions, device and data of a run, and what is known of its commits.
    pub(super) fn run(&mut self, run: &RunRecord, host: Option<&HostRecord>) {
        let stage = run.stage.name();
        for (name, version) in &run.versions {
            self.add(Topic::Versions, name, version);
        }
        if let Some(host) = host {
            for (part, checkout) in [("program", &host.program), ("specs", &host.specs)] {
                self.add(Topic::Commits, &format!("{part} of {stage}"), checkout.in_words(8));
            }
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

/// Returns the facts that differ, sorted by topic and name.
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
