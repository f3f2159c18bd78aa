//! Rectified linear unit, sigmoid, sums, and values that let gradients through.

use super::{
    engine::{Argument, Argument::Address, ELEMENTWISE, LOSSES, count},
    layout::Mode,
    memory::{Filled, cast, fill, pack, record, record_output, require_f32, suffix, tensor},
};
use candle_core::{DType, Error, Result, Tensor};

/// The result of a kernel over the elements of `inputs`, which have the shape of the first; `None` has address 0. The kernel
/// exists for each type of element. A thread handles 16 bytes.
fn packed(kernel: &str, inputs: &[Option<&Tensor>], rest: &[Argument]) -> Result<Filled> {
    let Some(&Some(first)) = inputs.first() else { return Err(Error::Msg(format!("{kernel} of nothing"))) };
    let (n, dtype) = (first.elem_count(), first.dtype());
    if let Some(other) = inputs.iter().flatten().find(|other| (other.dims(), other.dtype()) != (first.dims(), dtype)) {
        let (ours, theirs) = (first.dims(), other.dims());
        return Err(Error::Msg(format!("{kernel} of {dtype:?} {ours:?} with {:?} {theirs:?}", other.dtype())));
    }
    let name = format!("{kernel}_{}", suffix(dtype)?);
    fill(inputs, dtype, first.shape(), |engine, from, to| {
        let addresses = from.iter().chain([&to]).map(|&address| Address(address));
        engine.each(&ELEMENTWISE, &name, n, pack(dtype), &addresses.chain(rest.iter().copied()).collect::<Vec<_>>())
    })
}

/// The result of a kernel that handles one element in each thread.
fn single(kernel: &str, inputs: &[&Tensor], dtype: DType) -> Result<Filled> {
    let Some(first) = inputs.first() else { return Err(Error::Msg(format!("{kernel} of nothing"))) };
    fill(inputs, dtype, first.shape(), |engine, from, to| {
        let addresses: Vec<Argument> = from.iter().chain([&to]).map(|&address| Address(address)).collect();
        engine.each(&ELEMENTWISE, kernel, first.elem_count(), 1, &addresses)
    })
}

/// See [`crate::ops::relu`].
pub(in crate::ops) fn relu(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    record_output(&[&x], packed("relu", &[Some(&x)], &[])?, |output, grad| Ok(vec![Some(masked(output, grad)?)]))
}

/// `max(x, 0)` without gradient.
pub(super) fn rectified(x: &Tensor) -> Result<Tensor> {
    Ok(tensor(packed("relu", &[Some(x)], &[])?))
}

/// The gradient where the output of a ReLU is not 0, and 0 elsewhere.
fn masked(output: &Tensor, grad: &Tensor) -> Result<Tensor> {
    Ok(tensor(packed("relu_backward", &[Some(output), Some(grad)], &[])?))
}

/// See [`crate::ops::add`].
pub(in crate::ops) fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (x, y) = (x.contiguous()?, y.contiguous()?);
    let wants = [&x, &y].map(Tensor::is_variable);
    record(&[&x, &y], packed("add", &[Some(&x), Some(&y), None], &[])?, move |grad| {
        Ok(wants.map(|wants| wants.then(|| grad.clone())).to_vec())
    })
}

/// `x + y` where `mask` is above 0, and `x` elsewhere; without gradient.
pub(super) fn masked_sum(x: &Tensor, y: &Tensor, mask: &Tensor) -> Result<Tensor> {
    Ok(tensor(packed("add", &[Some(x), Some(y), Some(mask)], &[])?))
}

/// See [`crate::ops::sigmoid`].
pub(in crate::ops) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    require_f32(&x, "sigmoid")?;
    record_output(&[&x], single("sigmoid", &[&x], DType::F32)?, |output, grad| {
        Ok(vec![Some(tensor(single("sigmoid_backward", &[output, grad], DType::F32)?))])
    })
}

/// See [`crate::ops::full_precision`].
pub(in crate::ops) fn full_precision(x: &Tensor) -> Result<Tensor> {
    as_type(x, DType::F32)
}

/// `x` as another type, with gradient.
pub(super) fn as_type(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let (x, before) = (x.contiguous()?, x.dtype());
    let result = single(&format!("cast_{}_{}", suffix(before)?, suffix(dtype)?), &[&x], dtype)?;
    record(&[&x], result, move |grad| Ok(vec![Some(cast(grad, before)?)]))
}

/// See [`crate::ops::straight_through`]. The result has the type that convolutions take.
pub(in crate::ops) fn straight_through(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    let (x, value) = (x.contiguous()?, value.detach().contiguous()?);
    [&x, &value].into_iter().try_for_each(|tensor| require_f32(tensor, "straight_through"))?;
    if x.dims() != value.dims() {
        return Err(Error::Msg(format!("{:?} in place of {:?}", value.dims(), x.dims())));
    }
    let dtype = Mode::current().element();
    let result = single(&format!("straight_through_{}", suffix(dtype)?), &[&x, &value], dtype)?;
    record(&[&x], result, |grad| Ok(vec![Some(cast(grad, DType::F32)?)]))
}

/// The largest number of terms of a sum that the kernel takes.
const TERMS: usize = 4;

/// See [`crate::ops::weighted_sum`].
pub(in crate::ops) fn weighted_sum(terms: &[(&Tensor, f64)]) -> Result<Tensor> {
    if let Some((first, rest)) = terms.split_at_checked(TERMS).filter(|(_, rest)| !rest.is_empty()) {
        let first = weighted_sum(first)?;
        return weighted_sum(&[(&first, 1.0)].into_iter().chain(rest.iter().copied()).collect::<Vec<_>>());
    }
    let values: Vec<&Tensor> = terms.iter().map(|(value, _)| *value).collect();
    for value in &values {
        require_f32(value, "a sum of scalars")?;
        if value.elem_count() != 1 {
            return Err(Error::Msg(format!("a sum of scalars with {:?}", value.dims())));
        }
    }
    let mut weights = [Argument::real(0.0); TERMS];
    for (weight, (_, given)) in weights.iter_mut().zip(terms) {
        *weight = Argument::real(*given);
    }
    let result = fill(&values, DType::F32, (), |engine, from, to| {
        let mut arguments = vec![Argument::Count(count(from.len())?)];
        arguments.extend((0..TERMS).map(|i| Address(from.get(i).copied().unwrap_or_default())));
        arguments.extend(weights);
        arguments.push(Address(to));
        engine.launch(&LOSSES, "weighted_sum", (1, 1, 1), (1, 1, 1), &arguments)
    })?;
    let wants: Vec<bool> = values.iter().map(|value| value.is_variable()).collect();
    record(&values, result, move |grad| {
        let all = fill(&[grad], DType::F32, TERMS, |engine, from, to| {
            let arguments: Vec<Argument> = [Address(from[0])].into_iter().chain(weights).chain([Address(to)]).collect();
            engine.launch(&LOSSES, "weighted_sum_backward", (1, 1, 1), (1, 1, 1), &arguments)
        })?;
        let all = tensor(all);
        wants.iter().enumerate().map(|(i, wants)| wants.then(|| all.get(i)).transpose()).collect()
    })
}
