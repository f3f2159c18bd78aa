//! The procedure of training and testing a network under each protocol.
//!
//! Each published program had quirks of its own, and a reproduction has to repeat them. A network's file lists its quirks under
//! `PUBLISHED`.

use crate::ops;
use candle_core::{Result, Tensor};
use harness_record::vocabulary::PrintedDice;

/// The procedure that produced the published numbers of a network, and the choices that belong to it.
#[derive(Debug)]
pub struct Published {
    /// True if its encoder started from weights trained on `ImageNet`.
    pub imagenet: bool,
    /// The procedure of training and testing.
    pub procedure: Procedure,
    /// The metric that was printed as its Dice and `IoU`.
    pub dice: PrintedDice,
}

/// The purpose of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: the moving averages are updated.
    Train,
    /// Evaluation: nothing is updated.
    Evaluate,
}

/// The procedure of training and testing a network.
#[derive(Debug)]
pub struct Procedure {
    /// The mode of fine-tuning after the first epoch; the first always uses training mode.
    pub later_epochs: Mode,
    /// The mode of validation and test.
    pub test: Mode,
    /// The treatment of the network's output.
    pub finish: Finish,
}

/// The treatment of a network's output before losses and scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The output is used unchanged.
    AsItIs,
    /// The output is divided by the largest value of the batch, so it depends on the whole batch.
    DividedByMaximum,
}

/// Training mode for training, evaluation mode for validation and test, and the network's output unchanged.
pub(super) const CORRECTED: Procedure =
    Procedure { later_epochs: Mode::Train, test: Mode::Evaluate, finish: Finish::AsItIs };

impl Procedure {
    /// The mode of fine-tuning in `epoch`, which counts from 1.
    pub fn training_mode(&self, epoch: u32) -> Mode {
        if epoch > 1 { self.later_epochs } else { Mode::Train }
    }
}

impl Finish {
    /// The values that losses and scores see for the output `channels` `[B, C, S, S]`.
    pub fn of(self, channels: &Tensor) -> Result<Tensor> {
        match self {
            Self::AsItIs => Ok(channels.clone()),
            Self::DividedByMaximum => ops::divide_by_maximum(channels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelSpec;
    use candle_core::{Device, Var};
    use harness_record::vocabulary::Protocol;

    #[test]
    fn only_the_published_programs_have_their_quirks() {
        use Protocol::{Corrected, Published};
        let networks = ModelSpec::NAMES.map(|name| ModelSpec::named(name, serde_json::Map::new()).unwrap());
        let modes = |protocol, model: &ModelSpec| {
            let procedure = model.procedure(protocol);
            [procedure.training_mode(1), procedure.training_mode(2), procedure.test]
        };
        let (train, test) = (Mode::Train, Mode::Evaluate);
        let [vqvae, segnet, linknet] =
            ["vqvae", "segnet", "linknet"].map(|name| networks.iter().find(|n| n.name() == name).unwrap());
        assert_eq!(modes(Published, vqvae), [train, train, train]);
        assert_eq!(modes(Published, segnet), [train, train, test]);
        assert_eq!(modes(Published, linknet), [train, test, test]);
        for model in &networks {
            assert_eq!(modes(Corrected, model), [train, train, test], "{}", model.name());
            assert_eq!(model.dice(Corrected), "dice");
        }
        assert_eq!([vqvae, segnet, linknet].map(ModelSpec::pretrains_by_protocol), [false, true, false]);
        assert_eq!([vqvae, segnet, linknet].map(|m| m.dice(Published)), ["soft_dice", "soft_dice", "batch_dice"]);
    }

    #[test]
    fn an_output_is_divided_by_the_largest_of_its_batch() {
        let x = Var::new(&[[[[1f32, -2.0], [4.0, 0.5]]]], &Device::Cpu).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (divided, tape) = ops::record(|| Finish::DividedByMaximum.of(x.as_tensor()).unwrap());
        assert_eq!(values(&divided), [0.25, -0.5, 1.0, 0.125]);
        assert_eq!(values(&Finish::AsItIs.of(x.as_tensor()).unwrap()), values(x.as_tensor()));
        // d Σ(w·x/m) = w/m, and at the largest value additionally −Σ(w·x)/m²: with w = 1, −3.5/16.
        let gradients = tape.gradients_along(&divided, &divided.ones_like().unwrap()).unwrap();
        assert_eq!(values(gradients.get(x.as_tensor()).unwrap()), [0.25, 0.25, 0.25 - 3.5 / 16.0, 0.25]);
    }
}
