//! The weights that a network starts from.

use super::ModelSpec;
use harness_images::datasets::check_below;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The weights that a network starts from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InitSpec {
    /// Weights drawn at random.
    #[default]
    Random,
    /// All weights from a file, written by this program or by PyTorch.
    Checkpoint(CheckpointSpec),
    /// The encoder from a ResNet-34 and all other weights at random, for a network with such an encoder.
    Encoder(EncoderSpec),
}

/// All weights of a network in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSpec {
    /// The file below the data folder: safetensors, or a state dict that `torch.save` wrote.
    pub file: String,
    /// SHA-256 of the file in hexadecimal. If absent, any file of this name is accepted.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// A ResNet-34 under torchvision's names: either a manifest's weights, or a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncoderSpec {
    /// Name of the manifest in `data-manifests/` that describes the weights, such as `resnet34-imagenet`.
    #[serde(default)]
    pub weights: Option<String>,
    /// The file below the data folder: safetensors, or a state dict that `torch.save` wrote.
    #[serde(default)]
    pub file: Option<String>,
    /// SHA-256 of `file` in hexadecimal. If absent, any file of this name is accepted.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl InitSpec {
    /// Checks the settings for the network `model`. The error names the invalid field, below `init`, and the expected value.
    pub fn check(&self, model: &ModelSpec) -> Result<(), (String, String)> {
        match self {
            Self::Random => Ok(()),
            Self::Checkpoint(spec) => {
                check_file(&spec.file).map_err(|expected| ("checkpoint.file".to_owned(), expected))?;
                check_digest(spec.sha256.as_ref()).map_err(|expected| ("checkpoint.sha256".to_owned(), expected))
            }
            Self::Encoder(spec) => {
                spec.check()?;
                if model.sizes().has_resnet34() && model.sizes().is_published() {
                    return Ok(());
                }
                Err(("encoder".into(), "only for a linknet of width 64, which has this encoder".into()))
            }
        }
    }

    /// A short description for the report.
    pub fn describe(&self) -> String {
        match self {
            Self::Random => "random weights".to_owned(),
            Self::Checkpoint(spec) => format!("the weights in `{}`", spec.file),
            Self::Encoder(EncoderSpec { weights: Some(name), .. }) => format!("the encoder `{name}`, the rest random"),
            Self::Encoder(spec) => {
                format!("the encoder in `{}`, the rest random", spec.file.as_deref().unwrap_or_default())
            }
        }
    }
}

impl EncoderSpec {
    fn check(&self) -> Result<(), (String, String)> {
        let at = |field: &str| format!("encoder.{field}");
        match (&self.weights, &self.file) {
            (Some(name), None) => {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if name.is_empty() || !name.chars().all(plain) {
                    return Err((at("weights"), "the name of a manifest, such as resnet34-imagenet".into()));
                }
                if self.sha256.is_some() {
                    return Err((at("sha256"), "no value if `weights` is given, because the manifest has it".into()));
                }
                Ok(())
            }
            (None, Some(file)) => {
                check_file(file).map_err(|expected| (at("file"), expected))?;
                check_digest(self.sha256.as_ref()).map_err(|expected| (at("sha256"), expected))
            }
            _ => Err(("encoder".into(), "either `weights` or `file`".into())),
        }
    }
}

fn check_file(file: &str) -> Result<(), String> {
    let example = "a path below the data folder, such as weights/vqvae.pt";
    check_below(file, example).map_err(|_| example.to_owned())
}

fn check_digest(digest: Option<&String>) -> Result<(), String> {
    match digest {
        Some(text) if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err("a SHA-256: 64 hexadecimal digits".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{LinknetSpec, SegnetSpec};

    fn init(json: serde_json::Value) -> InitSpec {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn specs_are_read_and_described() {
        let words = [
            (serde_json::json!("random"), "random weights"),
            (serde_json::json!({"checkpoint": {"file": "published/vqvae.pt"}}), "the weights in `published/vqvae.pt`"),
            (
                serde_json::json!({"encoder": {"weights": "resnet34-imagenet"}}),
                "the encoder `resnet34-imagenet`, the rest random",
            ),
            (serde_json::json!({"encoder": {"file": "a.pth"}}), "the encoder in `a.pth`, the rest random"),
        ];
        let linknet = ModelSpec::Linknet(LinknetSpec::default());
        for (json, expected) in words {
            let spec = init(json);
            assert_eq!((spec.check(&linknet), spec.describe().as_str()), (Ok(()), expected));
        }
        assert_eq!(InitSpec::default(), InitSpec::Random);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let digest = "ab".repeat(32);
        let wrong = [
            (serde_json::json!({"checkpoint": {"file": "../x.pt"}}), "checkpoint.file"),
            (serde_json::json!({"checkpoint": {"file": "/x.pt"}}), "checkpoint.file"),
            (serde_json::json!({"checkpoint": {"file": ""}}), "checkpoint.file"),
            (serde_json::json!({"checkpoint": {"file": "x.pt", "sha256": "b627a593"}}), "checkpoint.sha256"),
            (serde_json::json!({"encoder": {}}), "encoder"),
            (serde_json::json!({"encoder": {"weights": "a", "file": "b"}}), "encoder"),
            (serde_json::json!({"encoder": {"weights": "../a"}}), "encoder.weights"),
            (serde_json::json!({"encoder": {"weights": "a", "sha256": digest}}), "encoder.sha256"),
            (serde_json::json!({"encoder": {"file": "a/../../b"}}), "encoder.file"),
        ];
        for (json, field) in wrong {
            let error = init(json.clone()).check(&ModelSpec::Linknet(LinknetSpec::default())).unwrap_err();
            assert_eq!(error.0, field, "{json}");
        }
        let encoder = init(serde_json::json!({"encoder": {"file": "a.pth", "sha256": digest}}));
        for model in [ModelSpec::Linknet(LinknetSpec { width: 32 }), ModelSpec::Segnet(SegnetSpec::default())] {
            assert_eq!(encoder.check(&model).unwrap_err().0, "encoder");
        }
    }
}
