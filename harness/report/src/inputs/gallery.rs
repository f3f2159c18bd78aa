//! `gallery/index.csv`: the pictures of some test images.

use serde::{Deserialize, Serialize};

/// What a picture of the gallery shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GalleryKind {
    /// The photograph under a condition: RGB.
    Image,
    /// The true classes: 8-bit grey, the class's index a pixel.
    Truth,
    /// The predicted classes, likewise.
    Prediction,
}

/// A row of `gallery/index.csv`. Cells that do not apply are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryRow {
    /// File name of the PNG, relative to `gallery/`.
    pub file: String,
    /// What it shows.
    pub kind: GalleryKind,
    /// File name of the photograph, as in [`ImageRow`].
    pub image: String,
    /// Its breed.
    pub group: String,
    /// Name of the condition; empty for the truth.
    pub condition: String,
    /// Name of the arm; only predictions have one.
    pub arm: String,
    /// Name of the protocol; only predictions have one.
    pub protocol: String,
}
