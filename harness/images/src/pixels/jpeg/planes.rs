//! From planes of luma and chroma to pixels: libjpeg's "fancy" upsampling (`jdsample.c`) and colours (`jdcolor.c`).

/// Samples of a component; rows and columns behind the picture's edge, which fill up the last blocks, included.
pub(super) struct Plane {
    pub(super) samples: Vec<u8>,
    /// Samples from row to row.
    pub(super) stride: usize,
    /// Samples of a row that belong to the picture.
    pub(super) width: usize,
    /// Rows that belong to the picture.
    pub(super) height: usize,
}

impl Plane {
    fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.stride..][..self.width]
    }
}

/// How many samples of luma there are, along and across, to one of chroma.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subsampling {
    None,
    Columns,
    Both,
}

/// Interleaved red, green and blue of a picture of `width` columns and as many rows as luma has.
#[inline(always)]
pub(super) fn rgb(planes: &[Plane; 3], subsampling: Subsampling, width: usize) -> Vec<u8> {
    let [luma, blue, red] = planes;
    let mut out = vec![0; 3 * width * luma.height];
    let mut sums = vec![0; blue.width];
    let mut chroma = [vec![0; 2 * blue.width], vec![0; 2 * red.width]];
    for (y, out) in out.chunks_exact_mut(3 * width).enumerate() {
        let [cb, cr] = &mut chroma;
        match subsampling {
            Subsampling::None => {
                colours(luma.row(y), blue.row(y), red.row(y), out);
                continue;
            }
            Subsampling::Columns => {
                doubled(blue.row(y), cb);
                doubled(red.row(y), cr);
            }
            Subsampling::Both => {
                doubled_both(blue, y, &mut sums, cb);
                doubled_both(red, y, &mut sums, cr);
            }
        }
        colours(luma.row(y), &cb[..width], &cr[..width], out);
    }
    out
}

/// Twice as many columns: ¾ of the nearer sample and ¼ of the farther, rounded down and up by turns.
#[inline(always)]
fn doubled(row: &[u8], out: &mut [u8]) {
    let last = row.len() - 1;
    let at = |i: usize| u16::from(row[i]);
    out[0] = row[0];
    out[2 * last + 1] = row[last];
    for (i, pair) in out[1..=2 * last].as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let (left, right) = (at(i), at(i + 1));
        *pair = [((3 * left + right + 2) >> 2) as u8, ((3 * right + left + 1) >> 2) as u8];
    }
}

/// Likewise along both, `sums` being room for the sums along a column.
#[inline(always)]
fn doubled_both(plane: &Plane, y: usize, sums: &mut [u16], out: &mut [u8]) {
    let near = y / 2;
    let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(plane.height - 1) };
    for ((sum, &near), &far) in sums.iter_mut().zip(plane.row(near)).zip(plane.row(far)) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
    let last = sums.len() - 1;
    out[0] = ((4 * sums[0] + 8) >> 4) as u8;
    out[2 * last + 1] = ((4 * sums[last] + 7) >> 4) as u8;
    for (i, pair) in out[1..=2 * last].as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let (left, right) = (sums[i], sums[i + 1]);
        *pair = [((3 * left + right + 7) >> 4) as u8, ((3 * right + left + 8) >> 4) as u8];
    }
}

/// Colours of a row, in units of 2⁻¹⁶.
#[inline(always)]
fn colours(luma: &[u8], blue: &[u8], red: &[u8], out: &mut [u8]) {
    const HALF: i32 = 1 << 15;
    for (((pixel, &y), &cb), &cr) in out.as_chunks_mut::<3>().0.iter_mut().zip(luma).zip(blue).zip(red) {
        let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
        let byte = |value: i32| (y + (value >> 16)).clamp(0, 255) as u8;
        *pixel = [
            byte(91_881 * cr + HALF),                // 1.40200
            byte(-22_554 * cb - 46_802 * cr + HALF), // 0.34414, 0.71414
            byte(116_130 * cb + HALF),               // 1.77200
        ];
    }
}
