//! Paths of fields inside a spec: `arms[0].finetuning.epochs`.

use serde_json::Value;
use std::fmt;

/// One step down into a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// The way from the root of a spec to a field. The empty path is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Parses `arms[0].label`. The error says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        if text.is_empty() {
            return Err("the path is empty".to_owned());
        }
        for part in text.split('.') {
            let (key, indices) = part.split_once('[').map_or((part, None), |(key, rest)| (key, Some(rest)));
            if key.is_empty() || key.contains([']', ' ', '\t']) {
                return Err(format!("`{part}` is not a field name"));
            }
            steps.push(Step::Key(key.to_owned()));
            let Some(indices) = indices else { continue };
            let inner = indices.strip_suffix(']').ok_or_else(|| format!("`{part}` lacks its closing `]`"))?;
            for index in inner.split("][") {
                let number =
                    index.parse().map_err(|_| format!("`[{index}]` is not a position: write `[0]` for the first"))?;
                steps.push(Step::Index(number));
            }
        }
        Ok(Self(steps))
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path with one more step.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path of the mapping or list that holds this field; `None` for the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, steps) = self.0.split_last()?;
        Some(Self(steps.to_vec()))
    }

    /// Name of the field itself, if it has one.
    pub(super) fn last_key(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    /// The longest part of this path that exists in `value`.
    pub(super) fn existing(&self, value: &Value) -> Self {
        let mut here = value;
        let mut found = Vec::new();
        for step in &self.0 {
            let Some(next) = descend(here, step) else { break };
            here = next;
            found.push(step.clone());
        }
        Self(found)
    }

    /// The field of `value` at this path.
    pub fn get<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, descend)
    }

    /// The field of `value` at this path, for changing it.
    pub fn get_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(value, |here, step| match step {
            Step::Key(key) => here.get_mut(key),
            Step::Index(index) => here.get_mut(index),
        })
    }

    /// Removes the field from the mapping that holds it. Returns `None` if no mapping holds it.
    pub(super) fn remove(&self, value: &mut Value) -> Option<Value> {
        let key = self.last_key()?;
        self.parent()?.get_mut(value)?.as_object_mut()?.remove(key)
    }

    /// This path with the prefix `old` replaced by `new`. A path without that prefix is returned unchanged.
    pub(super) fn moved(self, old: &Self, new: &Self) -> Self {
        match self.0.strip_prefix(old.0.as_slice()) {
            Some(rest) => Self(new.0.iter().chain(rest).cloned().collect()),
            None => self,
        }
    }
}

fn descend<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
    match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
