//! Batch normalisation (Ioffe and Szegedy 2015) with the batch's own or given statistics, optionally followed by a ReLU,
//! forward and backward.
//!
//! One thread handles a channel of all images, first for its sums and then for its output, so that the second pass finds the
//! values in its cache. Sums are in f64, in sixteen lanes over the planes of all images in order. The backward pass recomputes
//! the mask of the ReLU from the input, to the same bits, so it does not need the output.

use crate::{
    channels::{Planes, for_each_channel},
    elementwise::{for_lanes, map},
    isa::{Isa, kernel},
    lanes::{Lanes, Sums},
    relu::{mask, rectify},
};
use std::mem::MaybeUninit;

/// The parameters that scale and shift the `C` channels.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Factors, `[C]`.
    pub weight: &'a [f32],
    /// Summands, `[C]`.
    pub bias: &'a [f32],
    /// Added to the variance.
    pub epsilon: f64,
}

impl Parameters<'_> {
    /// Number of images in `x`, which is `[B, C, pixels]`.
    fn batch(&self, x: &[f32], pixels: usize) -> usize {
        let image = self.weight.len() * pixels;
        assert!(self.bias.len() == self.weight.len(), "batch norm needs as many weights as biases");
        assert!(x.len().checked_rem(image).unwrap_or(x.len()) == 0, "batch norm needs whole images");
        x.len().checked_div(image).unwrap_or(0)
    }
}

/// The normalisation of one channel: `(x − centre) · factor + constant`, where factor and constant include weight and bias.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    mean: f64,
    /// The biased variance.
    variance: f64,
    /// `1/√(variance + epsilon)`
    scale: f64,
    /// The mean in f32. For values far from 0, all digits of the difference to the mean matter: elements subtract this value,
    /// and the rest of the mean, `rest`, goes into the constants.
    centre: f32,
    rest: f64,
    factor: f32,
    constant: f32,
}

impl Channel {
    fn new(mean: f64, variance: f64, c: usize, parameters: &Parameters) -> Self {
        let centre = mean as f32;
        let rest = mean - f64::from(centre);
        let scale = (variance + parameters.epsilon).sqrt().recip();
        let factor = scale * f64::from(parameters.weight[c]);
        let constant = (f64::from(parameters.bias[c]) - rest * factor) as f32;
        Self { mean, variance, scale, centre, rest, factor: factor as f32, constant }
    }
}

/// The normalisation of a batch, for the backward pass.
#[derive(Debug, Clone)]
pub struct Normalization {
    channels: Vec<Channel>,
    pixels: usize,
    /// Number of values of a channel.
    count: f64,
    relu: bool,
    /// True if mean and variance were computed from the input, so that its gradient passes through them, too.
    own: bool,
}

/// The gradients that somebody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The gradient of the input.
    pub input: bool,
    /// The gradients of weight and bias.
    pub parameters: bool,
}

/// The gradients of a normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    /// `[B, C, pixels]`, if wanted.
    pub input: Option<Vec<f32>>,
    /// The gradients of weight and bias, `[C]`, if wanted.
    pub parameters: Option<[Vec<f32>; 2]>,
}

/// Batch normalisation in training: `(x − mean)/√(variance + epsilon) · weight + bias`, with mean and biased variance of each
/// channel over images and pixels; then `max(0, ·)` if `relu`. `x` is `[B, C, pixels]`.
///
/// # Panics
/// Panics if the lengths do not fit.
pub fn forward(isa: Isa, x: &[f32], pixels: usize, parameters: Parameters, relu: bool) -> (Vec<f32>, Normalization) {
    let (batch, channels) = (parameters.batch(x, pixels), parameters.weight.len());
    let count = (batch * pixels) as f64;
    let normalization = Normalization { channels: vec![Channel::default(); channels], pixels, count, relu, own: true };
    normalize(isa, x, normalization, |c| {
        let [sum, squares] = moments(isa, x, PlanesOf { c, channels, pixels, batch });
        let mean = sum / count;
        let variance = squares / count - mean * mean;
        // Rounding can make it slightly negative; NaN must stay.
        Channel::new(mean, if variance < 0.0 { 0.0 } else { variance }, c, &parameters)
    })
}

/// Batch normalisation with given statistics, as in evaluation: `(x − mean)/√(variance + epsilon) · weight + bias`; then
/// `max(0, ·)` if `relu`. `x` is `[B, C, pixels]`, `mean` and `variance` are `[C]`.
///
/// # Panics
/// Panics if the lengths do not fit.
pub fn forward_fixed(
    isa: Isa,
    x: &[f32],
    pixels: usize,
    (mean, variance): (&[f32], &[f32]),
    parameters: Parameters,
    relu: bool,
) -> (Vec<f32>, Normalization) {
    let (batch, channels) = (parameters.batch(x, pixels), parameters.weight.len());
    let count = (batch * pixels) as f64;
    let normalization = Normalization { channels: vec![Channel::default(); channels], pixels, count, relu, own: false };
    normalize(isa, x, normalization, |c| Channel::new(f64::from(mean[c]), f64::from(variance[c]), c, &parameters))
}

/// Normalises each channel with its `statistics`; returns the output and the statistics.
fn normalize(
    isa: Isa,
    x: &[f32],
    mut normalization: Normalization,
    statistics: impl Fn(usize) -> Channel + Sync,
) -> (Vec<f32>, Normalization) {
    let Normalization { channels: ref mut results, pixels, relu, .. } = normalization;
    let channels = results.len();
    let batch = x.len() / (channels * pixels).max(1);
    let mut out = Vec::with_capacity(x.len());
    let places = &mut out.spare_capacity_mut()[..x.len()];
    for_each_channel(places, results, (batch, pixels), &|c, mut planes: Planes<_>, channel: &mut Channel| {
        *channel = statistics(c);
        let place = PlanesOf { c, channels, pixels, batch };
        for image in 0..batch {
            normalized(isa, planes.of(image), place.of(x, image), *channel, relu);
        }
    });
    // SAFETY: the planes of all channels in all images are the whole vector.
    unsafe { out.set_len(x.len()) };
    (out, normalization)
}

/// The places of the planes of channel `c` in images `[batch, channels, pixels]`.
#[derive(Debug, Clone, Copy)]
struct PlanesOf {
    c: usize,
    channels: usize,
    pixels: usize,
    batch: usize,
}

impl PlanesOf {
    #[inline(always)]
    fn of(self, x: &[f32], image: usize) -> &[f32] {
        &x[(image * self.channels + self.c) * self.pixels..][..self.pixels]
    }
}

impl Normalization {
    /// The mean that was subtracted from each channel.
    pub fn mean(&self) -> Vec<f32> {
        self.channels.iter().map(|channel| channel.mean as f32).collect()
    }

    /// The unbiased variance, `n/(n − 1)` times the one that normalised the output. PyTorch's running averages use it.
    pub fn unbiased_variance(&self) -> Vec<f32> {
        let unbiased = self.count / (self.count - 1.0);
        self.channels.iter().map(|channel| (channel.variance * unbiased) as f32).collect()
    }

    /// The `wanted` gradients, given the gradient `grad` of the output.
    ///
    /// # Panics
    /// Panics if `x` and `grad` do not have the shape of the input.
    pub fn backward(&self, isa: Isa, x: &[f32], grad: &[f32], wanted: Wanted) -> Gradients {
        let (channels, pixels) = (self.channels.len(), self.pixels);
        assert!(
            x.len() == grad.len() && x.len() as f64 == self.count * channels as f64,
            "gradient of another batch norm"
        );
        let batch = x.len() / (channels * pixels).max(1);
        let mut sums = vec![[0.0; 2]; channels];
        let length = if wanted.input { x.len() } else { 0 };
        let mut out = Vec::with_capacity(length);
        let places = &mut out.spare_capacity_mut()[..length];
        for_each_channel(places, &mut sums, (batch, pixels), &|c, mut planes: Planes<_>, sums: &mut [f64; 2]| {
            let channel = self.channels[c];
            let place = PlanesOf { c, channels, pixels, batch };
            if wanted.parameters || self.own {
                *sums = gradient_sums(isa, x, grad, place, channel, self.relu);
            }
            // Sums of `grad` and of `grad · (x − mean) · scale`: the gradients of bias and weight.
            sums[1] = (sums[1] - sums[0] * channel.rest) * channel.scale;
            if wanted.input {
                let means = self.means(*sums, channel);
                for image in 0..batch {
                    let (x, grad) = (place.of(x, image), place.of(grad, image));
                    input_gradient(isa, planes.of(image), x, grad, channel, means, self.relu);
                }
            }
        });
        // SAFETY: the planes of all channels in all images are the whole vector, if there is one.
        unsafe { out.set_len(length) };
        let gradient = |which: usize| sums.iter().map(|sum| sum[which] as f32).collect();
        Gradients {
            input: wanted.input.then_some(out),
            parameters: wanted.parameters.then(|| [gradient(1), gradient(0)]),
        }
    }

    /// The terms that the statistics subtract from the gradient of a channel's input: a constant, and a multiple of the
    /// distance to the centre.
    fn means(&self, sums: [f64; 2], channel: Channel) -> [f32; 2] {
        if !self.own {
            return [0.0; 2];
        }
        let slope = sums[1] / self.count * channel.scale;
        [(sums[0] / self.count - channel.rest * slope) as f32, slope as f32]
    }
}

kernel! {
    /// Sums of a channel's values and of their squares.
    fn moments<V>(x: &[f32], place: PlanesOf) -> [f64; 2] {
        let (mut sum, mut squares) = (V::Sums::zero(), V::Sums::zero());
        for image in 0..place.batch {
            let x = place.of(x, image);
            for_lanes!(V, [x], {
                sum = sum.add(x);
                squares = squares.add_product(x, x);
            });
        }
        [sum.total(), squares.total()]
    }
}

kernel! {
    fn normalized<V>(out: &mut [MaybeUninit<f32>], x: &[f32], channel: Channel, relu: bool) {
        let line = Line::<V>::new(channel);
        if relu {
            map!(V, out, [x], rectify(line.of(x)));
        } else {
            map!(V, out, [x], line.of(x));
        }
    }
}

kernel! {
    /// Sums of a channel's gradient, and of the gradient times the distance to the centre.
    fn gradient_sums<V>(x: &[f32], grad: &[f32], place: PlanesOf, channel: Channel, relu: bool) -> [f64; 2] {
        let line = Line::<V>::new(channel);
        let (mut sum, mut products) = (V::Sums::zero(), V::Sums::zero());
        for image in 0..place.batch {
            let (x, grad) = (place.of(x, image), place.of(grad, image));
            if relu {
                for_lanes!(V, [x, grad], {
                    let grad = mask(line.of(x), grad);
                    sum = sum.add(grad);
                    products = products.add_product(grad, x.sub(line.centre));
                });
            } else {
                for_lanes!(V, [x, grad], {
                    sum = sum.add(grad);
                    products = products.add_product(grad, x.sub(line.centre));
                });
            }
        }
        [sum.total(), products.total()]
    }
}

kernel! {
    /// `factor · (grad − means[0] − means[1] · (x − centre))`.
    fn input_gradient<V>(
        out: &mut [MaybeUninit<f32>], x: &[f32], grad: &[f32], channel: Channel, means: [f32; 2], relu: bool,
    ) {
        let line = Line::<V>::new(channel);
        let means = (V::splat(means[0]), V::splat(-means[1]));
        if relu {
            map!(V, out, [x, grad], line.slope(x, mask(line.of(x), grad), means));
        } else {
            map!(V, out, [x, grad], line.slope(x, grad, means));
        }
    }
}

/// `(x − centre) · factor + constant`.
#[derive(Clone, Copy)]
struct Line<V> {
    centre: V,
    factor: V,
    constant: V,
}

impl<V: Lanes> Line<V> {
    #[inline(always)]
    fn new(channel: Channel) -> Self {
        Self {
            centre: V::splat(channel.centre),
            factor: V::splat(channel.factor),
            constant: V::splat(channel.constant),
        }
    }

    #[inline(always)]
    fn of(self, x: V) -> V {
        x.sub(self.centre).fma(self.factor, self.constant)
    }

    /// `factor · (grad − mean + slope · (x − centre))`
    #[inline(always)]
    fn slope(self, x: V, grad: V, (mean, slope): (V, V)) -> V {
        self.factor.mul(x.sub(self.centre).fma(slope, grad.sub(mean)))
    }
}

#[cfg(test)]
mod tests;
