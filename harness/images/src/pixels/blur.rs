//! Gaussian blur like Pillow's: three extended box blurs.
//!
//! Gwosdek, Grewenig, Bruhn, Weickert: "Theoretical Foundations of Gaussian Convolution by Extended Box Filtering" (2011).

use super::Picture;

const PASSES: u8 = 3;

/// Blurs like `ImageFilter.GaussianBlur(radius)`. `radius` is the standard deviation in pixels; 0 changes nothing.
///
/// Pixels beyond the border have the value of the nearest pixel inside.
pub fn gaussian_blur(picture: &Picture, radius: f32) -> Picture {
    let mut blurred = picture.clone();
    let (width, height) = (picture.width as usize, picture.height as usize);
    if radius <= 0.0 || width == 0 || height == 0 {
        return blurred;
    }
    let window = Window::of_gaussian(radius);
    let mut line = Vec::with_capacity(width.max(height));
    let mut next = vec![0; width.max(height)];
    let mut blur = |start: usize, step: usize, length: usize| {
        line.clear();
        line.extend(blurred.data[start..].iter().step_by(step).take(length));
        for _ in 0..PASSES {
            window.slide(&line, &mut next[..length]);
            std::mem::swap(&mut line, &mut next);
            line.truncate(length);
            next.resize(width.max(height), 0);
        }
        for (to, &from) in blurred.data[start..].iter_mut().step_by(step).zip(&line) {
            *to = from;
        }
    };
    for channel in 0..3 {
        for y in 0..height {
            blur(y * width * 3 + channel, 3, width);
        }
    }
    for channel in 0..3 {
        for x in 0..width {
            blur(x * 3 + channel, width * 3, height);
        }
    }
    blurred
}

/// A box of 2·`radius` + 1 pixels of weight `inner`, with one pixel of weight `outer` at either end. Weights are in
/// units of 2⁻²⁴.
struct Window {
    radius: usize,
    inner: u32,
    outer: u32,
}

impl Window {
    /// The box whose [`PASSES`]-fold application has the variance `sigma`², computed in single precision as in Pillow.
    fn of_gaussian(sigma: f32) -> Self {
        let variance = sigma * sigma / f32::from(PASSES);
        let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32; // Pillow calls the C `sqrt`, which is double
        let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let mut part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
        part /= 6.0 * (variance - (whole + 1.0) * (whole + 1.0));
        let radius = whole + part;
        let inner = (16_777_216.0 / (radius * 2.0 + 1.0)) as u32;
        let outer = ((1 << 24) - (radius as u32 * 2 + 1) * inner) / 2;
        Self { radius: radius as usize, inner, outer }
    }

    /// Makes one pass over a line.
    fn slide(&self, from: &[u8], to: &mut [u8]) {
        let (last, radius) = (from.len() - 1, self.radius);
        let at = |position: usize| u32::from(from[position.min(last)]);
        // Sum over the box around the position before the first pixel.
        let mut sum = at(0) * (radius as u32 + 1) + (0..radius).map(at).sum::<u32>();
        for (x, to) in to.iter_mut().enumerate() {
            sum += at(x + radius);
            sum -= at(x.saturating_sub(radius + 1));
            let ends = at(x.saturating_sub(radius + 1)) + at(x + radius + 1);
            *to = ((sum * self.inner + ends * self.outer + (1 << 23)) >> 24) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, data: Vec<u8>) -> Picture {
        Picture { width, height, data }
    }

    #[test]
    fn radius_zero_changes_nothing() {
        let before = picture(2, 1, vec![1, 2, 3, 250, 251, 252]);
        assert_eq!(gaussian_blur(&before, 0.0), before);
    }

    #[test]
    fn a_flat_picture_stays_flat_even_when_smaller_than_the_window() {
        for (width, height) in [(1, 1), (3, 2), (1, 9), (40, 30)] {
            let flat = picture(width, height, vec![255; (width * height * 3) as usize]);
            for radius in [1.0, 2.0, 2.66, 5.0, 7.0, 10.0, 50.0] {
                assert_eq!(gaussian_blur(&flat, radius), flat, "{width}×{height}, radius {radius}");
            }
        }
    }

    #[test]
    fn a_step_becomes_a_slope() {
        let step = picture(60, 1, (0..60).flat_map(|x| [if x < 30 { 0 } else { 255 }; 3]).collect());
        let red: Vec<u8> = gaussian_blur(&step, 5.0).data.iter().step_by(3).copied().collect();
        assert!(red.is_sorted());
        assert_eq!((red[0], red[59]), (0, 255));
        assert!((120..=135).contains(&red[29].midpoint(red[30])), "{red:?}");
    }
}
