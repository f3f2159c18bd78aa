//! The operations by definition, one output element at a time, in f64.

use candle_core::Tensor;

/// Four dimensions; a `[C]` tensor is `[C, 1, 1, 1]` here.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    pub(crate) dims: [usize; 4],
    pub(crate) values: Vec<f64>,
}

impl Array {
    pub(crate) fn of(tensor: &Tensor) -> Self {
        let mut dims = [1; 4];
        dims[..tensor.rank()].copy_from_slice(tensor.dims());
        Self { dims, values: super::values(tensor).into_iter().map(f64::from).collect() }
    }

    fn build(dims: [usize; 4], mut element: impl FnMut([usize; 4]) -> f64) -> Self {
        let mut values = Vec::new();
        for b in 0..dims[0] {
            for c in 0..dims[1] {
                for y in 0..dims[2] {
                    values.extend((0..dims[3]).map(|x| element([b, c, y, x])));
                }
            }
        }
        Self { dims, values }
    }

    fn at(&self, [b, c, y, x]: [usize; 4]) -> f64 {
        self.values[((b * self.dims[1] + c) * self.dims[2] + y) * self.dims[3] + x]
    }

    /// The element in row `y` and column `x`, or `None` outside the image.
    fn inside(&self, [b, c]: [usize; 2], y: isize, x: isize) -> Option<f64> {
        let (y, x) = (usize::try_from(y).ok()?, usize::try_from(x).ok()?);
        (y < self.dims[2] && x < self.dims[3]).then(|| self.at([b, c, y, x]))
    }

    /// Sum over `count` indices.
    fn sum(count: [usize; 3], term: impl Fn(usize, usize, usize) -> f64) -> f64 {
        let mut sum = 0.0;
        for i in 0..count[0] {
            for j in 0..count[1] {
                for k in 0..count[2] {
                    sum += term(i, j, k);
                }
            }
        }
        sum
    }
}

pub(crate) fn conv2d(x: &Array, weight: &Array, bias: Option<&Array>, stride: usize, padding: usize) -> Array {
    let ([batch, channels, h, w], [filters, _, kh, kw]) = (x.dims, weight.dims);
    let side = |n: usize, k: usize| (n + 2 * padding - k) / stride + 1;
    Array::build([batch, filters, side(h, kh), side(w, kw)], |[b, f, y, x_at]| {
        let seen = |at: usize, k: usize| (at * stride + k) as isize - padding as isize;
        let product =
            |c, ky, kx| x.inside([b, c], seen(y, ky), seen(x_at, kx)).map_or(0.0, |v| v * weight.at([f, c, ky, kx]));
        bias.map_or(0.0, |bias| bias.values[f]) + Array::sum([channels, kh, kw], product)
    })
}

pub(crate) fn conv_transpose2d(
    x: &Array,
    weight: &Array,
    bias: &Array,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Array {
    let ([batch, filters, h, w], [_, channels, kh, kw]) = (x.dims, weight.dims);
    let side = |n: usize, k: usize| (n - 1) * stride + k + output_padding - 2 * padding;
    Array::build([batch, channels, side(h, kh), side(w, kw)], |[b, c, y, x_at]| {
        // The element of the smaller map that element `k` of the kernel brings to `at`, if there is one.
        let source = |at: usize, k: usize| {
            let offset = (at + padding) as isize - k as isize;
            if offset % stride as isize == 0 { offset / stride as isize } else { -1 }
        };
        let product = |f, ky, kx| {
            x.inside([b, f], source(y, ky), source(x_at, kx)).map_or(0.0, |v| v * weight.at([f, c, ky, kx]))
        };
        bias.values[c] + Array::sum([filters, kh, kw], product)
    })
}

pub(crate) fn max_pool2d(x: &Array, kernel: usize, stride: usize, padding: usize) -> Array {
    let [batch, channels, h, w] = x.dims;
    let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
    Array::build([batch, channels, side(h), side(w)], |[b, c, y, x_at]| {
        let seen = |at: usize, k: usize| (at * stride + k) as isize - padding as isize;
        let taps = (0..kernel * kernel).filter_map(|k| x.inside([b, c], seen(y, k / kernel), seen(x_at, k % kernel)));
        taps.fold(f64::NEG_INFINITY, f64::max)
    })
}

pub(crate) fn max_unpool2d(x: &Array, indices: &[u32], height: usize, width: usize) -> Array {
    let [batch, channels, h, w] = x.dims;
    Array::build([batch, channels, height, width], |[b, c, y, x_at]| {
        let plane = (b * channels + c) * h * w..(b * channels + c + 1) * h * w;
        let of = |&i: &usize| indices[i] as usize == y * width + x_at;
        plane.rev().find(of).map_or(0.0, |i| x.values[i])
    })
}

/// Mean and biased variance of every channel.
pub(crate) fn moments(x: &Array) -> Vec<(f64, f64)> {
    let [batch, channels, h, w] = x.dims;
    let count = (batch * h * w) as f64;
    let moments = |c| {
        let mean = Array::sum([batch, h, w], |b, y, x_at| x.at([b, c, y, x_at])) / count;
        let variance = Array::sum([batch, h, w], |b, y, x_at| (x.at([b, c, y, x_at]) - mean).powi(2)) / count;
        (mean, variance)
    };
    (0..channels).map(moments).collect()
}

pub(crate) fn batch_norm(x: &Array, moments: &[(f64, f64)], weight: &Array, bias: &Array, epsilon: f64) -> Array {
    Array::build(x.dims, |at| {
        let (mean, variance) = moments[at[1]];
        (x.at(at) - mean) / (variance + epsilon).sqrt() * weight.values[at[1]] + bias.values[at[1]]
    })
}

pub(crate) fn divide_by_maximum(x: &Array) -> Array {
    let maximum = x.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Array::build(x.dims, |at| x.at(at) / maximum)
}
