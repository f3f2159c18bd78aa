//! Greyscale.

/// The luma of every pixel in all three channels, like Pillow's `convert("L").convert("RGB")`.
///
/// `rgb` and the result are interleaved, with three bytes per pixel. The weights are those of ITU-R BT.601 in 16-bit
/// fixed point, rounded to nearest.
pub fn greyscale(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().flat_map(|&pixel| [luma(pixel); 3]).collect()
}

/// The luma of a pixel, like Pillow's `convert("L")`.
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn grey_stays_grey_and_colours_get_their_luma() {
        for value in 0..=255 {
            assert_eq!(greyscale(&[value; 3]), [value; 3]);
        }
        assert_eq!(greyscale(&[255, 0, 0, 0, 255, 0, 0, 0, 255]), [76, 76, 76, 150, 150, 150, 29, 29, 29]);
    }
}
