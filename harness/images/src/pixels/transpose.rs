//! Turns and mirrors pictures. The pixels only change places.

use super::Raster;

/// Turns by quarter turns, counter-clockwise, like Pillow's `Image.rotate(90 * quarters, expand=True)`.
///
/// An odd number swaps width and height; 4 quarters change nothing.
pub fn rotate<const CHANNELS: usize>(raster: &Raster<CHANNELS>, quarters: u32) -> Raster<CHANNELS> {
    let (right, bottom) = (raster.width.saturating_sub(1), raster.height.saturating_sub(1));
    match quarters % 4 {
        0 => raster.clone(),
        1 => gather(raster, (raster.height, raster.width), |x, y| (right - y, x)),
        2 => gather(raster, (raster.width, raster.height), |x, y| (right - x, bottom - y)),
        _ => gather(raster, (raster.height, raster.width), |x, y| (y, bottom - x)),
    }
}

/// Swaps left and right, like Pillow's `ImageOps.mirror`.
pub fn mirror<const CHANNELS: usize>(raster: &Raster<CHANNELS>) -> Raster<CHANNELS> {
    gather(raster, (raster.width, raster.height), |x, y| (raster.width - 1 - x, y))
}

/// Cuts out the part of `size` (columns, rows) whose upper left pixel is at `corner` (column, row), like Pillow's
/// `Image.crop`.
///
/// The part must lie within the raster.
pub fn crop<const CHANNELS: usize>(
    raster: &Raster<CHANNELS>,
    corner: (u32, u32),
    size: (u32, u32),
) -> Raster<CHANNELS> {
    gather(raster, size, |x, y| (corner.0 + x, corner.1 + y))
}

/// A raster of `size` (columns, rows). Its pixel at (column, row) is the old pixel at `from(column, row)`.
fn gather<const CHANNELS: usize>(
    raster: &Raster<CHANNELS>,
    (width, height): (u32, u32),
    from: impl Fn(u32, u32) -> (u32, u32),
) -> Raster<CHANNELS> {
    let old = raster.data.as_chunks::<CHANNELS>().0;
    let mut data = Vec::with_capacity(width as usize * height as usize * CHANNELS);
    for y in 0..height {
        for x in 0..width {
            let (x, y) = from(x, y);
            data.extend(old[y as usize * raster.width as usize + x as usize]);
        }
    }
    Raster { width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raster<const CHANNELS: usize>(width: u32, height: u32) -> Raster<CHANNELS> {
        let bytes = (width * height) as usize * CHANNELS;
        Raster { width, height, data: (0..bytes).map(|i| (i * 7 % 251) as u8).collect() }
    }

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn turns_are_counter_clockwise() {
        let labels = Raster::<1> { width: 3, height: 2, data: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(rotate(&labels, 1), Raster { width: 2, height: 3, data: vec![3, 6, 2, 5, 1, 4] });
        assert_eq!(rotate(&labels, 2), Raster { width: 3, height: 2, data: vec![6, 5, 4, 3, 2, 1] });
        assert_eq!(rotate(&labels, 3), Raster { width: 2, height: 3, data: vec![4, 1, 5, 2, 6, 3] });
        assert_eq!(mirror(&labels).data, [3, 2, 1, 6, 5, 4]);
        assert_eq!(crop(&labels, (1, 0), (2, 1)), Raster { width: 2, height: 1, data: vec![2, 3] });
    }

    proptest! {
        #[test]
        fn pixels_only_change_places(width in 0u32..20, height in 0u32..20, quarters in 0u32..9) {
            let picture = raster::<3>(width, height);
            let pixels = |picture: &Raster<3>| {
                let mut pixels = picture.data.as_chunks::<3>().0.to_vec();
                pixels.sort_unstable();
                pixels
            };
            let turned = rotate(&picture, quarters);
            prop_assert_eq!(pixels(&turned), pixels(&picture));
            let steps = (0..quarters).fold(picture.clone(), |picture, _| rotate(&picture, 1));
            prop_assert_eq!(&turned, &steps);
            prop_assert_eq!(rotate(&turned, 4 - quarters % 4), picture.clone());
            prop_assert_eq!(mirror(&mirror(&picture)), picture.clone());
            prop_assert_eq!(crop(&picture, (0, 0), (width, height)), picture);
        }

        #[test]
        fn a_turn_of_a_mirrored_picture_is_the_mirror_of_the_opposite_turn(width in 1u32..12, height in 1u32..12) {
            let labels = raster::<1>(width, height);
            prop_assert_eq!(rotate(&mirror(&labels), 1), mirror(&rotate(&labels, 3)));
        }
    }
}
