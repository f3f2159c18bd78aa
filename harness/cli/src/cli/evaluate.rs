//! The options of `evaluate`.

use crate::commands::evaluate::encoding::Encoding;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  harness evaluate --pred masks --truth annotations/trimaps
  harness evaluate --pred masks --truth truth --json --out masks/evaluation.csv
  harness evaluate --pred masks --truth truth --pred-encoding classes

Masks are PNG, BMP, GIF or WebP files; each folder stores its classes in one of three ways:
  trimap    1 pet, 2 background, 3 border, as Oxford-IIIT Pet does
  classes   0 pet, 1 background, 2 border, as `harness predict` does
  colours   pure red pet, green background, blue border
Two masks belong together if their names without the extension are equal, or else are equal
without `-mask`. Where there is a `cat-mask.png`, a `cat-overlay.png` is ignored. Every mask needs
a partner.

Every metric is computed for each image and averaged over the images for which it is defined: a
class that neither mask of an image contains has no Dice and no IoU there, and is left out of
dice_macro and iou_macro.";

/// Options of `evaluate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Evaluate {
    /// Folder of predicted masks
    #[arg(long, value_name = "DIR")]
    pub(crate) pred: PathBuf,
    /// Folder of true masks
    #[arg(long, value_name = "DIR")]
    pub(crate) truth: PathBuf,
    /// How the predicted masks store classes [default: detected from all of them together]
    #[arg(long, value_name = "ENCODING")]
    pub(crate) pred_encoding: Option<Encoding>,
    /// How the true masks store classes [default: detected from all of them together]
    #[arg(long, value_name = "ENCODING")]
    pub(crate) truth_encoding: Option<Encoding>,
    /// CSV file to write, one row per image; an existing file is replaced
    #[arg(long, value_name = "FILE", default_value = "evaluation.csv")]
    pub(crate) out: PathBuf,
    /// Print the means as JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
