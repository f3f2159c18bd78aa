//! Loads LinkNet's encoder from the weights of a ResNet-34.

use super::{Model, weights::WeightsError};
use std::path::Path;

impl Model {
    /// Replaces the encoder of a LinkNet by the weights of a ResNet-34 (torchvision and timm use the same names). The decoder
    /// is left unchanged, and the classifier `fc` is ignored. All tensors that are missing, unknown or of another shape are
    /// listed before anything is changed.
    pub fn load_encoder(&self, path: &Path) -> Result<(), WeightsError> {
        if !self.spec().sizes().has_resnet34() {
            return Err(WeightsError::NoEncoder { model: self.spec().name() });
        }
        let foreign = super::weights::read(path)?.tensors;
        let encoder = foreign.into_iter().filter(|(name, _)| !name.starts_with("fc."));
        let encoder = encoder.map(|(name, tensor)| (our_name(&name), tensor)).collect();
        self.set_tensors_where(path, &encoder, is_encoder)
    }
}

/// Translates torchvision's names to ours. Names without a counterpart stay, and are then reported as unknown.
fn our_name(name: &str) -> String {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    match first {
        "conv1" => format!("conv.{rest}"),
        "bn1" => format!("bn.{rest}"),
        _ => match first.strip_prefix("layer") {
            Some(number) => format!("encoder{number}.{rest}"),
            None => name.to_owned(),
        },
    }
}

fn is_encoder(name: &str) -> bool {
    name.starts_with("conv.") || name.starts_with("bn.") || name.starts_with("encoder")
}
