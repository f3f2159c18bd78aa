//! The tape: what a forward pass did, for its gradients.
//!
//! candle's own tape adds every gradient to a tensor of zeros, allows three inputs, and keeps all results of an evaluation until
//! its output is dropped. This one adds only where a tensor is used more than once, frees each result as soon as its gradient is
//! known, and keeps nothing unless somebody records.
//!
//! A tensor is *tracked* if it is a [`candle_core::Var`] or was computed from a tracked one while this thread recorded. Only the
//! operations of [`super`] write to the tape. What candle computes from a tracked tensor is not on it, and the next operation
//! refuses such a tensor, so that no gradient is lost unnoticed.

use super::accelerated;
use candle_core::{Error, Result, Shape, Storage, Tensor, TensorId, Var, op::BackpropOp};
use std::{cell::RefCell, collections::HashMap};

thread_local! {
    /// The operations of this thread so far, if it records.
    static RECORDED: RefCell<Option<Vec<Node>>> = const { RefCell::new(None) };
}

/// Computes the gradients of an operation's inputs, in their order, from that of its output. `None` where nobody needs one.
type Backward = dyn Fn(&Tensor) -> Result<Vec<Option<Tensor>>>;

/// An operation.
struct Node {
    output: TensorId,
    inputs: Vec<TensorId>,
    backward: Box<Backward>,
}

/// The operations of a forward pass.
pub struct Tape(Vec<Node>);

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape of {} operations", self.0.len())
    }
}

/// Gradients by tensor.
#[derive(Debug, Default)]
pub struct Gradients(HashMap<TensorId, Tensor>);

impl Gradients {
    /// The gradient of `tensor`, if it has one.
    pub fn get(&self, tensor: &Tensor) -> Option<&Tensor> {
        self.0.get(&tensor.id())
    }

    /// Sets the gradient of `tensor`.
    pub fn insert(&mut self, tensor: &Tensor, gradient: Tensor) {
        self.0.insert(tensor.id(), gradient);
    }
}

/// Records what `forward` does on this thread. A recording inside of another is separate from it.
pub fn record<R>(forward: impl FnOnce() -> R) -> (R, Tape) {
    /// Puts the outer recording back, even after a panic.
    struct Outer(Option<Vec<Node>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            RECORDED.set(self.0.take());
        }
    }
    let outer = Outer(RECORDED.replace(Some(Vec::new())));
    let result = forward();
    let nodes = RECORDED.take().unwrap_or_default();
    drop(outer);
    (result, Tape(nodes))
}

impl Tape {
    /// The gradients of a scalar `loss` with respect to all variables that it depends on.
    ///
    /// # Errors
    /// Fails if `loss` was not recorded on this tape, or if an operation fails.
    pub fn gradients(self, loss: &Tensor) -> Result<Gradients> {
        self.gradients_along(loss, &loss.detach().ones_like()?)
    }

    /// The gradients of `Σ output · direction`; both have the same shape.
    ///
    /// # Errors
    /// The same as for [`Tape::gradients`].
    pub fn gradients_along(self, output: &Tensor, direction: &Tensor) -> Result<Gradients> {
        if output.dims() != direction.dims() || !output.is_variable() {
            let (ours, theirs) = (output.dims(), direction.dims());
            return Err(Error::Msg(format!(
                "no gradients: {ours:?} along {theirs:?} is not the result of a recording"
            )));
        }
        let mut gradients = Gradients::default();
        gradients.insert(output, direction.contiguous()?);
        accelerated::forget();
        for node in self.0.into_iter().rev() {
            let Some(gradient) = gradients.0.remove(&node.output) else { continue };
            for (input, new) in node.inputs.into_iter().zip((node.backward)(&gradient)?) {
                let Some(new) = new.map(|new| new.contiguous()).transpose()? else { continue };
                let sum = match gradients.0.remove(&input) {
                    Some(there) => {
                        accelerated::settle_for([&there, &new])?;
                        super::add(&there, &new)?
                    }
                    None => new,
                };
                gradients.0.insert(input, sum);
            }
        }
        accelerated::settle()?;
        Ok(gradients)
    }
}

/// Computes `gradient` of `tensor` only if somebody needs it.
pub(super) fn wanted(tensor: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
    tensor.is_variable().then(gradient).transpose()
}

/// The result of an operation on `inputs` as a tensor, and the operation on the tape, if this thread records.
///
/// # Errors
/// Fails if candle computed an input from a tracked tensor.
pub(super) fn note(
    inputs: &[&Tensor],
    (storage, shape): (Storage, impl Into<Shape>),
    backward: impl Fn(&Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    let output = Tensor::from_storage(storage, shape, BackpropOp::none(), tracks(inputs)?);
    write(inputs, &output, backward);
    Ok(output)
}

/// Like [`note`], for a gradient that needs the operation's output: `backward(output, gradient)`.
pub(super) fn note_output(
    inputs: &[&Tensor],
    (storage, shape): (Storage, impl Into<Shape>),
    backward: impl Fn(&Tensor, &Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    let output = Tensor::from_storage(storage, shape, BackpropOp::none(), tracks(inputs)?);
    let kept = output.detach();
    write(inputs, &output, move |gradient| backward(&kept, gradient));
    Ok(output)
}

/// Returns true if this thread records and one of `inputs` is tracked.
fn tracks(inputs: &[&Tensor]) -> Result<bool> {
    if RECORDED.with_borrow(Option::is_none) {
        return Ok(false);
    }
    match inputs.iter().find(|input| input.track_op() && !input.is_variable()) {
        Some(foreign) => Err(Error::Msg(format!(
            "a tensor {:?} was computed from a tracked one without `ops`, so its gradient would be lost",
            foreign.dims()
        ))),
        None => Ok(inputs.iter().any(|input| input.is_variable())),
    }
}

/// Writes an operation to the tape, if its output is tracked.
fn write(inputs: &[&Tensor], output: &Tensor, backward: impl Fn(&Tensor) -> Result<Vec<Option<Tensor>>> + 'static) {
    if !output.is_variable() {
        return;
    }
    let inputs = inputs.iter().map(|input| input.id()).collect();
    let node = Node { output: output.id(), inputs, backward: Box::new(backward) };
    RECORDED.with_borrow_mut(|nodes| {
        if let Some(nodes) = nodes {
            nodes.push(node);
        }
    });
}

/// An operation composed of candle's primitives, whose gradient is candle's: `compute()` of `inputs`.
pub(super) fn by_candle(inputs: &[&Tensor], compute: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    let tracked = tracks(inputs)?;
    // For candle a tracked tensor is a variable, so its own tape ends there.
    let output = compute()?;
    if !tracked || !output.track_op() {
        return Ok(output.detach());
    }
    // candle has no way to mark a tensor as a variable that shares its memory.
    let ours = Var::from_tensor(&output.detach())?.into_inner();
    // candle gives a tensor that occurs twice the whole gradient.
    let mut all: Vec<Tensor> = Vec::new();
    for &input in inputs {
        if all.iter().all(|there| there.id() != input.id()) {
            all.push(input.clone());
        }
    }
    write(&all.clone().iter().collect::<Vec<_>>(), &ours, move |gradient| {
        // On CUDA candle cannot add up a scalar: it would upload its sides, and there are none.
        let found = (&output * gradient)?.flatten_all()?.sum_all()?.backward()?;
        Ok(all.iter().map(|input| found.get(input).map(Tensor::detach)).collect())
    });
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;
    use candle_core::Device;

    fn variable(values: &[f32]) -> Tensor {
        Var::new(values, &Device::Cpu).unwrap().into_inner()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_tensor_used_often_gets_the_sum_of_its_gradients() {
        let x = variable(&[1.0, -2.0]);
        let (y, tape) = record(|| ops::add(&ops::add(&x, &x).unwrap(), &ops::relu(&x).unwrap()).unwrap());
        let gradients = tape.gradients_along(&y, &Tensor::new(&[1f32, 10.0], &Device::Cpu).unwrap()).unwrap();
        assert_eq!(values(gradients.get(&x).unwrap()), [3.0, 20.0]);
        assert!(gradients.get(&y).is_none(), "results between keep none");
    }

    #[test]
    fn nothing_is_tracked_unless_somebody_records() {
        let x = variable(&[1.0]);
        assert!(!ops::relu(&x).unwrap().is_variable());
        let (inside, outer) = record(|| {
            let (y, inner) = record(|| ops::relu(&x).unwrap());
            assert_eq!(inner.0.len(), 1);
            ops::relu(&y).unwrap()
        });
        // The inner recording is not on the outer tape, where its result is a variable like others.
        assert_eq!(outer.0.len(), 1);
        assert!(outer.gradients(&inside).unwrap().get(&x).is_none());
        let constant = Tensor::new(&[1f32], &Device::Cpu).unwrap();
        let (y, tape) = record(|| ops::relu(&constant).unwrap());
        assert!(tape.0.is_empty() && tape.gradients(&y).is_err());
        let panicked = std::panic::catch_unwind(|| record(|| panic!("on purpose")).1);
        assert!(panicked.is_err() && !ops::relu(&x).unwrap().is_variable());
    }

    #[test]
    fn a_gradient_that_candle_would_lose_is_refused() {
        let x = variable(&[1.0]);
        let (result, _) = record(|| ops::relu(&(ops::relu(&x).unwrap() * 2.0).unwrap()));
        assert!(result.unwrap_err().to_string().contains("without `ops`"));
        let (result, tape) = record(|| ops::relu(&x).unwrap() * 2.0);
        assert!(tape.gradients(&result.unwrap()).is_err());
    }

    #[test]
    fn what_candle_composes_has_candles_gradient() {
        let x = variable(&[3.0, 4.0]);
        let (y, tape) = record(|| {
            let squares = by_candle(&[&x], || x.sqr()).unwrap();
            ops::add(&squares, &x).unwrap()
        });
        let gradients = tape.gradients_along(&y, &Tensor::new(&[1f32, 10.0], &Device::Cpu).unwrap()).unwrap();
        assert_eq!(values(gradients.get(&x).unwrap()), [7.0, 90.0]);
        assert!(!by_candle(&[&x], || x.sqr()).unwrap().track_op());
    }
}
