//! Computes the classes of pixels that Oxford-IIIT Pet has: 0 pet, 1 background, 2 the border between them.

/// Samples along a side of a pixel.
pub(super) const SAMPLES: usize = 2;

/// Width of the border as a share of the frame's side. Half of it lies on either side of the outline.
const WIDTH: f32 = 0.034;

/// Classes of `size` by `size` pixels, from `on_pet` with [`SAMPLES`] times as many samples per side.
pub(super) fn classes(on_pet: &[bool], size: usize) -> Vec<u8> {
    let side = size * SAMPLES;
    let border = band(on_pet, side);
    let mut classes = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            let (mut on_border, mut pet) = (0, 0);
            for sample in 0..SAMPLES * SAMPLES {
                let at = (y * SAMPLES + sample / SAMPLES) * side + x * SAMPLES + sample % SAMPLES;
                on_border += usize::from(border[at]);
                pet += usize::from(on_pet[at]);
            }
            let half = SAMPLES * SAMPLES / 2;
            classes.push(if on_border >= half { 2 } else { u8::from(pet < half) });
        }
    }
    classes
}

/// Samples within half the border's width of the outline. The frame's edge is not an outline.
fn band(on_pet: &[bool], side: usize) -> Vec<bool> {
    let radius = WIDTH * 0.5 * side as f32;
    let reach = radius as isize;
    let disc: Vec<(isize, isize)> = (-reach..=reach)
        .flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)))
        .filter(|&(dx, dy)| (dx * dx + dy * dy) as f32 <= radius * radius)
        .collect();
    let inside = 0..side as isize;
    let mut border = vec![false; side * side];
    for y in 0..side {
        for x in 0..side {
            let here = on_pet[y * side + x];
            let right = x + 1 < side && on_pet[y * side + x + 1] != here;
            let down = y + 1 < side && on_pet[(y + 1) * side + x] != here;
            if !(right || down) {
                continue;
            }
            for &(dx, dy) in &disc {
                let (bx, by) = (x as isize + dx, y as isize + dy);
                if inside.contains(&bx) && inside.contains(&by) {
                    border[by as usize * side + bx as usize] = true;
                }
            }
        }
    }
    border
}
