//! Images as columns of what the kernel sees, and back.

use super::geometry::Geometry;

/// Room for one image while it is convolved.
#[derive(Default)]
pub(super) struct Scratch {
    /// The image with zeros around it, each row cut into its phases: columns 0, s, 2s, …, then 1, s + 1, ….
    phases: Vec<f32>,
    /// `[taps, pixels of the map]`
    pub(super) columns: Vec<f32>,
}

impl Scratch {
    pub(super) fn of(g: &Geometry) -> Self {
        if g.is_pointwise() {
            return Self::default();
        }
        Self { phases: vec![0.0; g.phases_len()], columns: vec![0.0; g.taps() * g.pixels()] }
    }

    /// `[C, H, W] -> [C·KH·KW, H'·W']`: column `p` holds what the kernel sees at pixel `p` of the map.
    pub(super) fn im2col<'a>(&'a mut self, image: &'a [f32], g: &Geometry) -> &'a [f32] {
        if g.is_pointwise() {
            return image;
        }
        let (stride, width, padding) = (g.stride, g.phase_width(), g.padding);
        let phases = &mut self.phases;
        g.lines(|from, to| {
            let line = &image[from..][..g.image.1];
            for (phase, x) in first_of_phases(g) {
                let to = &mut phases[to + phase * width + (x + padding) / stride..];
                to.iter_mut().zip(line[x..].iter().step_by(stride)).for_each(|(t, v)| *t = *v);
            }
        });
        let columns = &mut self.columns;
        g.rows(|to, from| copy(&mut columns[to], &phases[from]));
        columns
    }

    /// The transpose of `im2col`: adds every column of `self.columns` to the pixels it was taken from.
    pub(super) fn col2im(&mut self, g: &Geometry, image: &mut [f32]) {
        let (stride, width, padding) = (g.stride, g.phase_width(), g.padding);
        let (phases, columns) = (&mut self.phases, &self.columns);
        phases.fill(0.0);
        g.rows(|from, to| add_to(&mut phases[to], &columns[from]));
        g.lines(|to, from| {
            let line = &mut image[to..][..g.image.1];
            for (phase, x) in first_of_phases(g) {
                let from = &phases[from + phase * width + (x + padding) / stride..];
                line[x..].iter_mut().step_by(stride).zip(from).for_each(|(v, f)| *v = *f);
            }
        });
    }
}

/// The phases of the padded columns that hold columns of the image, each with the first of them.
fn first_of_phases(g: &Geometry) -> impl Iterator<Item = (usize, usize)> {
    let (stride, padding, width) = (g.stride, g.padding, g.image.1);
    let first = move |phase| (phase, (phase + stride - padding % stride) % stride);
    (0..stride).map(first).filter(move |&(_, x)| x < width)
}

/// Copies a short row without the call that `copy_from_slice` makes.
fn copy(to: &mut [f32], from: &[f32]) {
    let (to, to_rest) = to.as_chunks_mut::<8>();
    let (from, from_rest) = from.as_chunks::<8>();
    to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
    to_rest.iter_mut().zip(from_rest).for_each(|(t, f)| *t = *f);
}

fn add_to(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
}
