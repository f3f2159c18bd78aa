//! Convolution and transposed convolution by cuDNN.
//!
//! Both are the three computations of one [`Geometry`] ("images" are the side with more pixels, "maps" the other). The
//! transposed convolution computes images from maps, which is also the gradient of a convolution's input.

use super::{
    elementwise::{masked_sum, rectified},
    engine::{Argument, Argument::Address, ELEMENTWISE, Engine, counts},
    layout::{Mode, prepared},
    lists::{converted, settled_later},
    memory::{
        Filled, cast, empty, fill, make, pack, record, record_output, require_f32, suffix, tensor, with_addresses,
    },
    normalization::{channel_sums, masked_channel_sums},
    plan::{Direction, Plan, Problem},
};
use crate::precision::Precision;
use candle_core::{DType, Device, Error, Result, Tensor};

/// The sizes of a convolution and its parameters.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    /// `[B, C, H, W]`
    images: [usize; 4],
    /// `[O, C, KH, KW]`
    filters: [usize; 4],
    /// `[B, O, H', W']`
    maps: [usize; 4],
    stride: usize,
    padding: usize,
    mode: Mode,
}

impl Geometry {
    fn of_convolution(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let ((batch, channels, h, w), (filters, c, kh, kw)) = (x.dims4()?, weight.dims4()?);
        if c != channels || stride == 0 || h + 2 * padding < kh || w + 2 * padding < kw {
            return Err(Error::Msg(format!(
                "conv2d: an image {:?} does not fit a weight {:?}",
                x.dims(),
                weight.dims()
            )));
        }
        let side = |n: usize, k: usize| (n + 2 * padding - k) / stride + 1;
        Ok(Self {
            images: [batch, channels, h, w],
            filters: [filters, channels, kh, kw],
            maps: [batch, filters, side(h, kh), side(w, kw)],
            stride,
            padding,
            mode: Mode::current(),
        })
    }

    /// The problem of a transposed convolution, whose inputs are the maps.
    fn of_transposed(
        x: &Tensor,
        weight: &Tensor,
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Self> {
        let ((batch, filters, h, w), (c, channels, kh, kw)) = (x.dims4()?, weight.dims4()?);
        if c != filters || h * w == 0 || kh.min(kw) + output_padding <= 2 * padding || output_padding >= stride {
            return Err(Error::Msg(format!(
                "conv_transpose2d: a map {:?} does not fit a weight {:?} with stride {stride}, padding {padding} and output \
                 padding {output_padding}",
                x.dims(),
                weight.dims()
            )));
        }
        let side = |n: usize, k: usize| (n - 1) * stride + k + output_padding - 2 * padding;
        Ok(Self {
            images: [batch, channels, side(h, kh), side(w, kw)],
            filters: [filters, channels, kh, kw],
            maps: [batch, filters, h, w],
            stride,
            padding,
            mode: Mode::current(),
        })
    }

    fn run(&self, engine: &Engine, direction: Direction, images: u64, filters: u64, maps: u64) -> Result<()> {
        let Self { stride, padding, mode, .. } = *self;
        let problem =
            Problem { direction, images: self.images, filters: self.filters, maps: self.maps, stride, padding, mode };
        match Plan::of(engine, &problem)? {
            Some(plan) => plan.run(engine, images, filters, maps),
            None if mode.last => self.run_in_f32(engine, direction, images, filters, maps),
            None => Err(Error::Msg(format!(
                "cuDNN has no deterministic algorithm, not even in f32: {}",
                problem.describe()
            ))),
        }
    }

    /// [`run`](Self::run) in f32 and planes, where there is no deterministic algorithm otherwise.
    fn run_in_f32(&self, engine: &Engine, direction: Direction, images: u64, filters: u64, maps: u64) -> Result<()> {
        let plain = Self { mode: Mode { precision: Precision::F32, last: false }, ..*self };
        let ours = suffix(self.mode.element())?;
        let arrays = [(self.images, images), (self.filters, filters), (self.maps, maps)];
        let copies = arrays.map(|(dims, _)| empty(DType::F32, &dims[..], &Device::Cuda(engine.device.clone())));
        let [a, b, c] = copies;
        let copies = [a?, b?, c?];
        with_addresses(&copies.each_ref(), |engine, at| {
            let swap = |name: &str, from, to, dims: [usize; 4], rows, columns| {
                let arguments = [Address(from), Address(to), Argument::count(rows)?, Argument::count(columns)?];
                engine.each(&ELEMENTWISE, name, dims.iter().product(), 1, &arguments)
            };
            let result = match direction {
                Direction::Data => 0,
                Direction::Filter => 1,
                Direction::Forward => 2,
            };
            for (i, (dims, address)) in arrays.into_iter().enumerate().filter(|(i, _)| *i != result) {
                swap(&format!("swap_{ours}_f32"), address, at[i], dims, dims[2] * dims[3], dims[1])?;
            }
            plain.run(engine, direction, at[0], at[1], at[2])?;
            let (dims, address) = arrays[result];
            swap(&format!("swap_f32_{ours}"), at[result], address, dims, dims[1], dims[2] * dims[3])
        })
    }

    /// Computes maps from images and filters.
    fn maps(&self, images: &Tensor, filters: &Tensor, finish: &Finish<'_>) -> Result<Filled> {
        self.finished(images, filters, finish, self.maps, |engine, from, to| {
            self.run(engine, Direction::Forward, from[0], from[1], to)
        })
    }

    /// Computes images from maps and filters.
    fn images(&self, maps: &Tensor, filters: &Tensor, finish: &Finish<'_>) -> Result<Filled> {
        self.finished(maps, filters, finish, self.images, |engine, from, to| {
            self.run(engine, Direction::Data, to, from[1], from[0])
        })
    }

    fn finished(
        &self,
        x: &Tensor,
        filters: &Tensor,
        finish: &Finish<'_>,
        dims: [usize; 4],
        convolve: impl FnOnce(&Engine, &[u64], u64) -> Result<()>,
    ) -> Result<Filled> {
        let dtype = self.mode.element();
        let [_, channels, h, w] = dims;
        let n = dims.iter().product();
        let name = format!("finish_{}", suffix(dtype)?);
        fill(&[Some(x), Some(filters), finish.bias, finish.add], dtype, &dims[..], |engine, from, to| {
            convolve(engine, from, to)?;
            if finish.is_nothing() {
                return Ok(());
            }
            let [channels, inner] = counts([channels, self.mode.inner(h * w)])?;
            let relu = Argument::flag(finish.relu);
            let arguments = [Address(to), Address(from[2]), Address(from[3]), relu, channels, inner];
            engine.each(&ELEMENTWISE, &name, n, pack(dtype), &arguments)
        })
    }

    /// The weight's gradient from images and maps, in f32 and in candle's layout.
    fn weight_gradient(&self, images: &Tensor, maps: &Tensor) -> Result<Tensor> {
        let gradient = make(&[images, maps], self.mode.element(), &self.filters[..], |engine, from, to| {
            self.run(engine, Direction::Filter, from[0], to, from[1])
        })?;
        if self.mode.last { settled_later(gradient) } else { Ok(gradient) }
    }

    /// The weight in the layout that cuDNN needs for images of this mode.
    fn filters(&self, weight: &Tensor) -> Result<Tensor> {
        if !self.mode.last {
            require_f32(weight, "a convolution's weight")?;
            return Ok(weight.contiguous()?.detach());
        }
        match prepared(weight) {
            Some(there) => Ok(there),
            None => converted(&[weight], self.mode.element())?.pop().ok_or_else(|| Error::Msg("no weight".into())),
        }
    }
}

/// What is done with a convolution's output, in one pass: a bias and another image are added, and a ReLU follows.
#[derive(Default, Clone, Copy)]
struct Finish<'a> {
    bias: Option<&'a Tensor>,
    add: Option<&'a Tensor>,
    relu: bool,
}

impl Finish<'_> {
    fn is_nothing(&self) -> bool {
        self.bias.is_none() && self.add.is_none() && !self.relu
    }
}

/// See [`crate::ops::conv2d`]; followed by a ReLU, if `relu` says so.
pub(in crate::ops) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    relu: bool,
) -> Result<Tensor> {
    let geometry = Geometry::of_convolution(x, weight, stride, padding)?;
    convolve(Kind::Convolution, geometry, x, weight, bias, relu)
}

/// See [`crate::ops::conv_transpose2d`]; followed by a ReLU, if `relu` says so.
pub(in crate::ops) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
    relu: bool,
) -> Result<Tensor> {
    let geometry = Geometry::of_transposed(x, weight, stride, padding, output_padding)?;
    convolve(Kind::Transposed, geometry, x, weight, Some(bias), relu)
}

/// Which side of the geometry is the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The images.
    Convolution,
    /// The maps.
    Transposed,
}

fn convolve(
    kind: Kind,
    geometry: Geometry,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    relu: bool,
) -> Result<Tensor> {
    let channels = if kind == Kind::Convolution { geometry.filters[0] } else { geometry.filters[1] };
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, checked_bias(bias, channels)?);
    let (input, filters) = (cast(&x, geometry.mode.element())?, geometry.filters(&weight)?);
    let finish = Finish { bias: bias.as_ref(), add: None, relu };
    let result = match kind {
        Kind::Convolution => geometry.maps(&input, &filters, &finish)?,
        Kind::Transposed => geometry.images(&input, &filters, &finish)?,
    };
    let inputs: Vec<&Tensor> = [&x, &weight].into_iter().chain(&bias).collect();
    let (wants_x, dtype) = (x.is_variable(), x.dtype());
    let wants = [weight.is_variable(), bias.as_ref().is_some_and(Tensor::is_variable)];
    let has_bias = bias.is_some();
    let gradients = move |output: Option<&Tensor>, grad: &Tensor| -> Result<Vec<Option<Tensor>>> {
        let mode = geometry.mode;
        let (grad, of_bias) = match output {
            Some(output) => masked_channel_sums(grad, output, mode).map(|(grad, sums)| (grad, Some(sums)))?,
            None => (grad.clone(), wants[1].then(|| channel_sums(grad, mode)).transpose()?),
        };
        // Nobody needs the input's gradient in the first layer, where the input is the data.
        let none = Finish::default();
        let of_x = wants_x.then(|| {
            let gradient = match kind {
                Kind::Convolution => geometry.images(&grad, &filters, &none)?,
                Kind::Transposed => geometry.maps(&grad, &filters, &none)?,
            };
            cast(&tensor(gradient), dtype)
        });
        let of_weight = wants[0].then(|| match kind {
            Kind::Convolution => geometry.weight_gradient(&input, &grad),
            Kind::Transposed => geometry.weight_gradient(&grad, &input),
        });
        let mut found = vec![of_x.transpose()?, of_weight.transpose()?];
        found.extend(has_bias.then_some(of_bias.filter(|_| wants[1])));
        Ok(found)
    };
    if relu {
        record_output(&inputs, result, move |output, grad| gradients(Some(output), grad))
    } else {
        record(&inputs, result, move |grad| gradients(None, grad))
    }
}

/// See [`crate::ops::residual_block`].
pub(in crate::ops) fn residual_block(
    x: &Tensor,
    wide: (&Tensor, &Tensor),
    narrow: (&Tensor, &Tensor),
) -> Result<Tensor> {
    let x = x.contiguous()?;
    let outer = Geometry::of_convolution(&x, wide.0, 1, 1)?;
    let (mode, dtype) = (outer.mode, outer.mode.element());
    if x.dtype() != dtype {
        return Err(Error::Msg(format!("a residual block of {:?} where images are {dtype:?}", x.dtype())));
    }
    let [wide_bias, narrow_bias] = [(wide.1, outer.filters[0]), (narrow.1, outer.filters[1])]
        .map(|(bias, channels)| checked_bias(Some(bias), channels));
    let (wide_bias, narrow_bias) = (wide_bias?, narrow_bias?);
    let [of_wide, of_narrow] = [outer.filters(wide.0)?, outer.filters(narrow.0)?];
    let rectified = rectified(&x)?;
    let finish = Finish { bias: wide_bias.as_ref(), add: None, relu: true };
    let hidden = tensor(outer.maps(&rectified, &of_wide, &finish)?);
    let inner = Geometry::of_convolution(&hidden, narrow.0, 1, 0)?;
    if inner.maps != outer.images {
        return Err(Error::Msg(format!(
            "a residual block of {:?} gives another shape than {:?}",
            narrow.0.dims(),
            x.dims()
        )));
    }
    let finish = Finish { bias: narrow_bias.as_ref(), add: Some(&x), relu: false };
    let result = inner.maps(&hidden, &of_narrow, &finish)?;
    let inputs: Vec<&Tensor> =
        [&x, wide.0].into_iter().chain(&wide_bias).chain([narrow.0]).chain(&narrow_bias).collect();
    let wants: Vec<bool> = inputs.iter().map(|input| input.is_variable()).collect();
    record(&inputs, result, move |grad| {
        let none = Finish::default();
        let of_narrow_bias = wants[4].then(|| channel_sums(grad, mode)).transpose()?;
        let of_narrow_weight = wants[3].then(|| inner.weight_gradient(&hidden, grad)).transpose()?;
        let inside = tensor(inner.images(grad, &of_narrow, &none)?);
        let (inside, of_wide_bias) = masked_channel_sums(&inside, &hidden, mode)?;
        let of_wide_weight = wants[1].then(|| outer.weight_gradient(&rectified, &inside)).transpose()?;
        let of_x = wants[0].then(|| masked_sum(grad, &tensor(outer.images(&inside, &of_wide, &none)?), &rectified));
        let of_wide_bias = wants[2].then_some(of_wide_bias);
        Ok(vec![of_x.transpose()?, of_wide_weight, of_wide_bias, of_narrow_weight, of_narrow_bias])
    })
}

/// The bias in the form that the kernels take.
fn checked_bias(bias: Option<&Tensor>, channels: usize) -> Result<Option<Tensor>> {
    let Some(bias) = bias else { return Ok(None) };
    require_f32(bias, "a convolution's bias")?;
    if bias.dims() != [channels] {
        return Err(Error::Msg(format!("a bias {:?} for {channels} channels", bias.dims())));
    }
    bias.contiguous().map(Some)
}
