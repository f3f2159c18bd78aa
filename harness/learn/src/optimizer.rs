//! Optimisers that compute the same as PyTorch's `torch.optim.Adam` and `torch.optim.AdamW`.
//!
//! Kingma, Ba: Adam: A Method for Stochastic Optimization, 2015. Loshchilov, Hutter: Decoupled Weight Decay
//! Regularization, 2019.

use crate::{
    models::{Entry, Role, State},
    ops,
};
use candle_core::{Result, Tensor, Var};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The optimiser and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerSpec {
    /// Adam without weight decay.
    Adam(AdamSpec),
    /// Adam with decoupled weight decay.
    Adamw(AdamwSpec),
}

/// Settings of Adam. All defaults are PyTorch's. The learning rate has no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamSpec {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the gradient's average.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Decay of the squared gradient's average.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Added to the denominator.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

/// Settings of `AdamW`. All defaults are PyTorch's. The learning rate has no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamwSpec {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the gradient's average.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Decay of the squared gradient's average.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Added to the denominator.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Weight decay: each step reduces every weight by this share times the step size.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
}

fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-8
}

fn weight_decay() -> f64 {
    0.01
}

/// The settings that both share: Adam is `AdamW` without decay.
#[derive(Debug, Clone, Copy)]
struct Rule {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl OptimizerSpec {
    fn rule(&self) -> Rule {
        match *self {
            Self::Adam(AdamSpec { learning_rate, beta1, beta2, epsilon }) => {
                Rule { learning_rate, beta1, beta2, epsilon, weight_decay: 0.0 }
            }
            Self::Adamw(AdamwSpec { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
                Rule { learning_rate, beta1, beta2, epsilon, weight_decay }
            }
        }
    }

    /// Its name in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::Adamw(_) => "adamw",
        }
    }

    /// The step size at the start of a schedule.
    pub fn learning_rate(&self) -> f64 {
        self.rule().learning_rate
    }

    /// Checks the settings. The error names the invalid field, below `optimizer`, and the expected value.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        let Rule { learning_rate, beta1, beta2, epsilon, weight_decay } = self.rule();
        let fail = |field: &str, expected: &str| Err((format!("{}.{field}", self.name()), expected.to_owned()));
        if !(learning_rate > 0.0 && learning_rate <= 10.0) {
            return fail("learning_rate", "a number above 0 and at most 10");
        }
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return fail(name, "a number from 0 and below 1");
            }
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return fail("epsilon", "a number above 0");
        }
        if !(weight_decay >= 0.0 && learning_rate * weight_decay < 1.0) {
            return fail("weight_decay", "a number of at least 0 that, times the learning rate, is below 1");
        }
        Ok(())
    }

    /// The optimiser for people: `Adam, learning rate 0.001`, `AdamW, learning rate 0.0001, weight decay 0.01`.
    pub fn describe(&self) -> String {
        match self {
            Self::Adam(spec) => format!("Adam, learning rate {}", spec.learning_rate),
            Self::Adamw(spec) => {
                format!("AdamW, learning rate {}, weight decay {}", spec.learning_rate, spec.weight_decay)
            }
        }
    }
}

#[derive(Debug)]
struct Slot {
    name: String,
    weight: Var,
    first: Var,
    second: Var,
}

/// An optimiser of a model's parameters, sorted by name.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    slots: Vec<Slot>,
    steps: u64,
}

impl Optimizer {
    /// Creates an optimiser of all parameters of `state`, with moments of zero.
    pub fn new(spec: &OptimizerSpec, state: &State) -> Result<Self> {
        let slot = |(name, entry): (&String, &Entry)| {
            Ok(Slot {
                name: name.clone(),
                weight: entry.var.clone(),
                first: Var::from_tensor(&entry.var.zeros_like()?)?,
                second: Var::from_tensor(&entry.var.zeros_like()?)?,
            })
        };
        let slots = state.iter().filter(|(_, e)| e.role == Role::Parameter).map(slot).collect::<Result<_>>()?;
        Ok(Self { rule: spec.rule(), slots, steps: 0 })
    }

    /// Updates each parameter that has a gradient. `learning_rate` applies to this step; a schedule may have changed the
    /// spec's.
    pub fn step(&mut self, gradients: &ops::Gradients, learning_rate: f64) -> Result<()> {
        self.steps += 1;
        let Rule { beta1, beta2, epsilon, weight_decay, .. } = self.rule;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let step = ops::AdamStep {
            beta1,
            beta2,
            keep: 1.0 - learning_rate * weight_decay,
            rate: learning_rate / (1.0 - beta1.powi(steps)),
            correction: 1.0 - beta2.powi(steps),
            epsilon,
        };
        let slots = self.slots.iter().filter_map(|Slot { weight, first, second, .. }| {
            let gradient = gradients.get(weight)?;
            Some(ops::AdamSlot { weight, first, second, gradient })
        });
        ops::adam(&slots.collect::<Vec<_>>(), step)
    }

    /// Number of steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, named `first.` or `second.` plus the parameter's name.
    pub(crate) fn tensors(&self) -> BTreeMap<String, Tensor> {
        let pair = |slot: &Slot| {
            let tensor = |var: &Var, moment| (format!("{moment}.{}", slot.name), var.as_tensor().clone());
            [tensor(&slot.first, "first"), tensor(&slot.second, "second")]
        };
        self.slots.iter().flat_map(pair).collect()
    }

    /// Restores moments and step count. Fails if a tensor is missing or has another shape.
    pub(crate) fn restore(&mut self, tensors: &BTreeMap<String, Tensor>, steps: u64) -> Result<()> {
        for slot in &self.slots {
            for (moment, var) in [("first", &slot.first), ("second", &slot.second)] {
                let name = format!("{moment}.{}", slot.name);
                match tensors.get(&name) {
                    Some(tensor) => var.set(&tensor.to_device(var.device())?)?,
                    None => return Err(candle_core::Error::Msg(format!("the checkpoint lacks {name}"))),
                }
            }
        }
        self.steps = steps;
        Ok(())
    }
}
