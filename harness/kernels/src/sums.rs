//! Sums over the pixels of channels: the gradient of a bias.

use crate::lanes::LANES;
use rayon::prelude::*;

/// `bias[c] = Σ over images and pixels` of a `[B, channels, pixels]` gradient.
pub fn sum_channels(gradient: &[f32], channels: usize, pixels: usize) -> Vec<f32> {
    let of_channel = |channel: usize| {
        let planes = gradient.chunks_exact((channels * pixels).max(1));
        planes.map(|image| sum(&image[channel * pixels..][..pixels])).sum()
    };
    (0..channels).into_par_iter().map(of_channel).collect()
}

/// Sums in lanes of a fixed order: faster, and more exact, than one running sum.
fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v);
    }
    lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_summed_over_images_and_pixels() {
        for (batch, channels, pixels) in [(1, 1, 1), (2, 3, 5), (3, 2, 37), (0, 4, 7)] {
            let values: Vec<f32> =
                (0..batch * channels * pixels).map(|i| ((i * 37) % 101) as f32 / 16.0 - 3.0).collect();
            let mut expected = vec![0.0f32; channels];
            for (i, v) in values.iter().enumerate() {
                expected[i / pixels % channels] += v; // exact: sixteenths
            }
            assert_eq!(sum_channels(&values, channels, pixels), expected);
        }
    }
}
