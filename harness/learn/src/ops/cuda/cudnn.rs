//! cuDNN's descriptors of tensors, filters and convolutions. They are freed when dropped.
//!
//! cudarc's own wrappers hide their pointers, but some calls that we need have no wrapper.

use candle_core::{
    DType, Error, Result,
    cuda_backend::cudarc::cudnn::{result, sys},
};

/// The memory order of a tensor's or filter's elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) dtype: DType,
    pub(super) last: bool,
}

impl Form {
    fn format(self) -> sys::cudnnTensorFormat_t {
        if self.last {
            sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC
        } else {
            sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW
        }
    }

    fn data_type(self) -> Result<sys::cudnnDataType_t> {
        match self.dtype {
            DType::F32 => Ok(sys::cudnnDataType_t::CUDNN_DATA_FLOAT),
            DType::BF16 => Ok(sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16),
            dtype => Err(Error::Msg(format!("a convolution of {dtype:?}"))),
        }
    }
}

fn sizes(dims: [usize; 4]) -> Result<[i32; 4]> {
    let mut sizes = [0; 4];
    for (size, n) in sizes.iter_mut().zip(dims) {
        *size = size_of(n)?;
    }
    Ok(sizes)
}

fn size_of(n: usize) -> Result<i32> {
    i32::try_from(n).map_err(|_| Error::Msg(format!("a side of {n} is too long for cuDNN")))
}

/// Images `[B, C, H, W]`.
pub(super) struct Images(pub(super) sys::cudnnTensorDescriptor_t);

impl Images {
    /// Creates the descriptor; `dims` are `[B, C, H, W]` for any memory order.
    pub(super) fn new(form: Form, dims: [usize; 4]) -> Result<Self> {
        let (dims, data_type) = (sizes(dims)?, form.data_type()?);
        let images = Self(result::create_tensor_descriptor().map_err(Error::wrap)?);
        // SAFETY: the descriptor was just made.
        unsafe { result::set_tensor4d_descriptor(images.0, form.format(), data_type, dims) }.map_err(Error::wrap)?;
        Ok(images)
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        // SAFETY: created in `new`, and freed only here.
        let _ = unsafe { result::destroy_tensor_descriptor(self.0) };
    }
}

/// Filters `[O, C, KH, KW]`.
pub(super) struct Filters(pub(super) sys::cudnnFilterDescriptor_t);

impl Filters {
    /// Creates the descriptor; `dims` are `[O, C, KH, KW]` for any memory order.
    pub(super) fn new(form: Form, dims: [usize; 4]) -> Result<Self> {
        let (dims, data_type) = (sizes(dims)?, form.data_type()?);
        let filters = Self(result::create_filter_descriptor().map_err(Error::wrap)?);
        // SAFETY: the descriptor was just made.
        unsafe { result::set_filter4d_descriptor(filters.0, data_type, form.format(), dims) }.map_err(Error::wrap)?;
        Ok(filters)
    }
}

impl Drop for Filters {
    fn drop(&mut self) {
        // SAFETY: created in `new`, and freed only here.
        let _ = unsafe { result::destroy_filter_descriptor(self.0) };
    }
}

/// Stride, padding and arithmetic of a convolution.
pub(super) struct Arithmetic(pub(super) sys::cudnnConvolutionDescriptor_t);

impl Arithmetic {
    /// Sums are always f32.
    pub(super) fn new(stride: usize, padding: usize, math: sys::cudnnMathType_t) -> Result<Self> {
        let (stride, padding) = (size_of(stride)?, size_of(padding)?);
        let arithmetic = Self(result::create_convolution_descriptor().map_err(Error::wrap)?);
        // PyTorch's convolution does not mirror the kernel.
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let sums = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
        // SAFETY: the descriptor was just made.
        unsafe {
            result::set_convolution2d_descriptor(arithmetic.0, padding, padding, stride, stride, 1, 1, mode, sums)
        }
        .map_err(Error::wrap)?;
        arithmetic.set_math(math)?;
        Ok(arithmetic)
    }

    pub(super) fn set_math(&self, math: sys::cudnnMathType_t) -> Result<()> {
        // SAFETY: the descriptor lives as long as `self`.
        unsafe { result::set_convolution_math_type(self.0, math) }.map_err(Error::wrap)
    }
}

impl Drop for Arithmetic {
    fn drop(&mut self) {
        // SAFETY: created in `new`, and freed only here.
        let _ = unsafe { result::destroy_convolution_descriptor(self.0) };
    }
}
