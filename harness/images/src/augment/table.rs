//! Encodes the drawn changes of images as the words that a GPU reads.

use super::{Change, change::Drawn};
use crate::pixels;

/// Words of a change: its kind, and up to five values.
const WORDS: usize = 6;

/// A row for each image: its place, the number of its changes, and [`WORDS`] for each change. The rest of a row is 0.
#[derive(Debug)]
pub struct Table {
    /// All rows, one after the other.
    pub words: Vec<u32>,
    /// Words of a row.
    pub width: usize,
}

impl Table {
    /// The table of `images`, in their order.
    pub fn of<'a>(images: impl Iterator<Item = &'a Drawn> + Clone) -> Self {
        let most = images.clone().map(|image| image.changes.len()).max().unwrap_or_default();
        let width = 2 + most * WORDS;
        let mut words = Vec::new();
        for image in images {
            let end = words.len() + width;
            words.extend([image.place, image.changes.len() as u32]);
            words.extend(image.changes.iter().flat_map(|change| change.words()));
            words.resize(end, 0);
        }
        Self { words, width }
    }
}

impl Change {
    /// Encodes the change. The kinds have the same numbers as in `pictures.cu`.
    fn words(self) -> [u32; WORDS] {
        match self {
            Self::Turn(quarters) => [1, quarters, 0, 0, 0, 0],
            Self::Mirror => [2, 0, 0, 0, 0, 0],
            Self::Crop { side, left, top } => [3, side, left, top, 0, 0],
            Self::Grey => [4, 0, 0, 0, 0, 0],
            Self::Brightness(factor) => [5, factor.to_bits(), 0, 0, 0, 0],
            Self::Contrast(factor) => [6, factor.to_bits(), 0, 0, 0, 0],
            Self::Saturation(factor) => [7, factor.to_bits(), 0, 0, 0, 0],
            Self::Hue(turns) => [8, u32::from(pixels::hue_steps(turns)), 0, 0, 0, 0],
            Self::Mask { top, left, height, width, fill } => {
                [9, top as u32, left as u32, height as u32, width as u32, fill.to_bits()]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_the_longest() {
        let mask = Change::Mask { top: 1, left: 2, height: 3, width: 4, fill: 0.5 };
        let images = [
            Drawn::unchanged(7),
            Drawn { place: 8, changes: vec![Change::Crop { side: 5, left: 6, top: 7 }, mask] },
            Drawn { place: 9, changes: vec![Change::Hue(-1.0 / 255.0)] },
        ];
        let table = Table::of(images.iter());
        let half = 0.5f32.to_bits();
        assert_eq!(table.width, 14);
        let rows: Vec<&[u32]> = table.words.chunks(14).collect();
        assert_eq!(rows[0], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(rows[1], [8, 2, 3, 5, 6, 7, 0, 0, 9, 1, 2, 3, 4, half]);
        assert_eq!(rows[2], [9, 1, 8, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Table::of([].iter()).words.len(), 0);
    }
}
