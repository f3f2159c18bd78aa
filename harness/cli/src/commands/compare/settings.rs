//! Reads a recorded spec as plain values, whatever version of the program wrote it.

use crate::failure::{Failure, Outcome};
use harness_record::files;
use serde_json::{Map, Value};
use std::path::Path;

/// Size limit for reading a spec, in bytes.
const LIMIT: u64 = 16 << 20;

/// The fields of the spec at `path`; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Outcome<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read(path, LIMIT)?;
    let read: Result<serde_yaml::Value, _> = serde_yaml::from_slice(&bytes);
    let value = read.map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
    Ok(Some(plain(value)))
}

/// Converts YAML to JSON: a tagged value, which is how a choice is written, becomes a mapping with one key.
fn plain(value: serde_yaml::Value) -> Value {
    use serde_yaml::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(bool) => Value::Bool(bool),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or_default(),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key_of(key), plain(value))).collect())
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string().trim_start_matches('!').to_owned();
            Value::Object(Map::from_iter([(name, plain(tagged.value))]))
        }
    }
}

fn key_of(key: serde_yaml::Value) -> String {
    match plain(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_become_mappings() {
        let yaml = serde_yaml::from_str("a: !vqvae\n  width: 8\n1: [x, 1e-8, null]\n").unwrap();
        assert_eq!(plain(yaml), serde_json::json!({"1": ["x", 1e-8, null], "a": {"vqvae": {"width": 8}}}));
    }
}
