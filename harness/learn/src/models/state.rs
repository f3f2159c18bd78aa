//! The named parameters and buffers of a model, and their initial values.

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use harness_record::random;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// The kind of a tensor, which says whether the optimiser or the model changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The optimiser changes it, by its gradient.
    Parameter,
    /// The model itself changes it: moving averages, codebooks.
    Buffer,
}

/// A named tensor of a model.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The tensor. It can be overwritten.
    pub var: Var,
    /// The kind of the tensor.
    pub role: Role,
}

/// The initial values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// The same value everywhere.
    Constant(f32),
    /// Uniform in ±bound.
    Uniform(f32),
}

/// All tensors of a model, sorted by name.
pub type State = BTreeMap<String, Entry>;

/// Creates the tensors of a model, each under its full name.
#[derive(Debug, Clone)]
pub struct Builder {
    place: String,
    seed: u64,
    device: Device,
    state: Rc<RefCell<State>>,
}

impl Builder {
    /// A builder at the root of the model. Weights are drawn from generators seeded by `seed` and the tensor's own name.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { place: String::new(), seed, device: device.clone(), state: Rc::default() }
    }

    /// A builder for the part called `name`.
    #[must_use]
    pub fn enter(&self, name: impl std::fmt::Display) -> Self {
        Self { place: self.name(&name.to_string()), ..self.clone() }
    }

    /// The seed of the weights.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Creates a trainable tensor.
    pub fn parameter(&self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Tensor> {
        Ok(self.make(name, shape.into(), init, Role::Parameter)?.as_tensor().clone())
    }

    /// Creates a tensor that the model changes itself.
    pub fn buffer(&self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        self.make(name, shape.into(), init, Role::Buffer)
    }

    /// Everything created so far.
    pub fn finish(&self) -> State {
        self.state.borrow().clone()
    }

    fn make(&self, name: &str, shape: Shape, init: Init, role: Role) -> Result<Var> {
        let name = self.name(name);
        let var = match init {
            Init::Constant(value) => Var::from_tensor(&Tensor::full(value, shape, &self.device)?)?,
            Init::Uniform(bound) => {
                let mut rng = random::generator(&["weights", &self.seed.to_string(), &name]);
                let values = (0..shape.elem_count()).map(|_| (random::unit(&mut rng) * 2.0 - 1.0) * bound).collect();
                Var::from_vec::<_, f32>(values, shape, &self.device)?
            }
        };
        debug_assert_eq!(var.dtype(), DType::F32);
        self.state.borrow_mut().insert(name, Entry { var: var.clone(), role });
        Ok(var)
    }

    fn name(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}
