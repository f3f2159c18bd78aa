//! The scale on which a network sees its images.

use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Maps images in 0..1 to `(image − mean) / std`, the same for all channels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// Subtracted from each value.
    pub mean: f32,
    /// Divides the result; above 0.
    pub std: f32,
}

impl Normalise {
    /// Checks the scale. The error names the invalid field and the expected value.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        if !self.mean.is_finite() {
            return Err(("mean".into(), "a number".into()));
        }
        if !(self.std > 0.0 && self.std.is_finite()) {
            return Err(("std".into(), "a number above 0".into()));
        }
        Ok(())
    }

    /// The scale for people: `(image − 0.5) / 0.5`.
    pub fn describe(&self) -> String {
        format!("(image − {}) / {}", self.mean, self.std)
    }
}

/// `MEAN,STD`, as in `0.5,0.5`.
impl FromStr for Normalise {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once(',').and_then(|(mean, std)| {
            Some(Self { mean: mean.trim().parse().ok()?, std: std.trim().parse().ok()? }) //
        });
        let normalise = parts.ok_or("write MEAN,STD, as in 0.5,0.5")?;
        normalise.check().map_err(|(field, expected)| format!("{field} must be {expected}"))?;
        Ok(normalise)
    }
}

/// Converts images `[B, C, H, W]` in 0..1 to the scale that a network expects.
pub fn normalise_tensor(images: &Tensor, normalise: Option<Normalise>) -> Result<Tensor> {
    match normalise {
        Some(Normalise { mean, std }) => (images - f64::from(mean))? / f64::from(std),
        None => Ok(images.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_scale_is_read_checked_and_applied() {
        let half: Normalise = "0.5, 0.5".parse().unwrap();
        assert_eq!(half, Normalise { mean: 0.5, std: 0.5 });
        for wrong in ["", "0.5", "0.5;0.5", "a,b", "0.5,0", "0.5,-1", "NaN,1", "0,inf"] {
            assert!(wrong.parse::<Normalise>().is_err(), "{wrong}");
        }
        let images = Tensor::new(&[0f32, 0.25, 0.5, 1.0], &Device::Cpu).unwrap().reshape((1, 1, 2, 2)).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&normalise_tensor(&images, Some(half)).unwrap()), [-1.0, -0.5, 0.0, 1.0]);
        assert_eq!(values(&normalise_tensor(&images, None).unwrap()), values(&images));
    }
}
