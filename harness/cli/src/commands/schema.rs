//! `schema`: prints the JSON Schema of a study's YAML file, or of a manifest.

use crate::{
    failure::{Failure, Outcome},
    output::say_json,
};
use harness_fetch::manifest::Manifest;
use harness_study::{spec::layers::PROFILES, study::Study};
use serde_json::{Value, json};

pub(crate) fn run(manifest: bool) -> Outcome {
    if manifest { say_json(&schemars::schema_for!(Manifest)) } else { say_json(&schema()?) }
}

/// The schema of a file: every field may be left to the base, and `extends` and `profiles` are fields, too.
fn schema() -> Outcome<Value> {
    let mut schema = serde_json::to_value(schemars::schema_for!(Study)).map_err(Failure::run)?;
    if let Some(root) = schema.as_object_mut() {
        // Fields that a file lacks may come from its base; `validate` checks that nothing is missing in the end.
        root.remove("required");
        let fields = root.get("properties").cloned().unwrap_or_default();
        // A profile may override parts of parts, so `validate` checks it, too.
        let names: serde_json::Map<String, Value> =
            fields.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), json!({}))).collect();
        let profile = json!({ "type": ["object", "null"], "properties": names, "additionalProperties": false });
        if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(
                "extends".to_owned(),
                json!({ "type": "string", "description": "Name of a file in studies/_base/ whose fields this one takes over." }),
            );
            let profiles: serde_json::Map<String, Value> =
                PROFILES.iter().map(|name| ((*name).to_owned(), profile.clone())).collect();
            properties.insert(
                "profiles".to_owned(),
                json!({
                    "type": "object", "description": "Other sizes of the experiment, as overrides of the fields above.",
                    "properties": profiles, "additionalProperties": false,
                }),
            );
        }
        for part in [
            "DataSpec",
            "PretrainSpec",
            "FinetuneSpec",
            "EvaluateSpec",
            "LossesSpec",
            "PretrainingData",
            "SegmentationData",
        ] {
            let place = root.get_mut("$defs").and_then(|defs| defs.get_mut(part)).and_then(Value::as_object_mut);
            if let Some(part) = place {
                part.remove("required");
            }
        }
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../studies/study.schema.json");
        let committed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(committed, schema().unwrap(), "run `harness schema > studies/study.schema.json`");
    }

    #[test]
    fn the_committed_schema_of_manifests_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data-manifests/manifest.schema.json");
        let committed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let now = serde_json::to_value(schemars::schema_for!(Manifest)).unwrap();
        assert_eq!(committed, now, "run `harness schema --manifest > data-manifests/manifest.schema.json`");
    }
}
