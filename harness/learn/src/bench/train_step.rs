//! Training steps on random images and classes.

use crate::{
    models::{Mode, Model, ModelSpec},
    ops,
    optimizer::{AdamSpec, Optimizer, OptimizerSpec},
};
use candle_core::{Device, Error, Result, Tensor};
use harness_record::{random, vocabulary::Protocol};
use std::time::Instant;

const CLASSES: u32 = 3;

/// The steps to be timed: forward pass in training mode, cross-entropy plus the network's own penalty, backward pass, and Adam
/// with a learning rate of 0.001. SegNet's output is divided by its largest value, as in the published program.
#[derive(Debug, Clone, Copy)]
pub struct TrainStep<'a> {
    /// The network. Its weights are newly drawn.
    pub model: &'a ModelSpec,
    /// Images per step.
    pub batch: usize,
    /// Side of an image in pixels.
    pub size: usize,
    /// Untimed steps before the timed ones.
    pub warmup: usize,
    /// Timed steps, at least 1.
    pub steps: usize,
}

/// The result of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTimes {
    /// Seconds of each timed step.
    pub seconds: Vec<f64>,
    /// Number of trained values.
    pub parameters: u64,
    /// Loss of the last step, before its update.
    pub loss: f32,
}

/// Times steps on `device`. All use the same batch: images uniform in 0..1 and uniformly drawn classes.
pub fn train_step(work: &TrainStep<'_>, device: &Device) -> Result<StepTimes> {
    let model = Model::new(work.model, 0, device)?;
    let adam = AdamSpec { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    let rate = adam.learning_rate;
    let mut optimizer = Optimizer::new(&OptimizerSpec::Adam(adam), model.state())?;
    let (images, classes) = batch(work, device)?;
    let mut seconds = Vec::with_capacity(work.steps);
    let mut last = None;
    for i in 0..work.warmup + work.steps {
        device.synchronize()?;
        let start = Instant::now();
        let (loss, tape) = ops::record(|| loss(&model, &images, &classes));
        let loss = loss?;
        optimizer.step(&tape.gradients(&loss)?, rate)?;
        last = Some(loss.detach());
        device.synchronize()?;
        if i >= work.warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let loss = last.ok_or_else(|| Error::Msg("no step to time".to_owned()))?.to_scalar()?;
    Ok(StepTimes { seconds, parameters: model.parameter_count(), loss })
}

/// Images `[B, 3, S, S]` and classes `[B, S, S]`.
fn batch(work: &TrainStep<'_>, device: &Device) -> Result<(Tensor, Tensor)> {
    let TrainStep { batch, size, .. } = *work;
    let pixels = batch * size * size;
    let mut rng = random::generator(&["bench", "images"]);
    let images: Vec<f32> = (0..3 * pixels).map(|_| random::unit(&mut rng)).collect();
    let mut rng = random::generator(&["bench", "classes"]);
    let classes: Vec<u8> = (0..pixels).map(|_| random::below(&mut rng, CLASSES) as u8).collect();
    Ok((
        Tensor::from_vec(images, (batch, 3, size, size), device)?,
        Tensor::from_vec(classes, (batch, size, size), device)?,
    ))
}

fn loss(model: &Model, images: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let out = model.forward(images, Mode::Train)?;
    let channels = model.spec().procedure(Protocol::Published).finish.of(&out.channels)?;
    out.loss(&ops::cross_entropy(&channels, classes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{LinknetSpec, SegnetSpec, VqvaeSpec};

    fn small() -> [(ModelSpec, usize); 3] {
        let vqvae = VqvaeSpec { width: 8, depth: 1, inner: 4, dim: 4, codes: 16, ..VqvaeSpec::default() };
        [
            (ModelSpec::Vqvae(vqvae), 8),
            (ModelSpec::Segnet(SegnetSpec { width: 2 }), 16),
            (ModelSpec::Linknet(LinknetSpec { width: 4 }), 32),
        ]
    }

    #[test]
    fn every_network_is_timed_and_learns() {
        for (model, size) in &small() {
            let times = |warmup, steps| {
                let work = TrainStep { model, batch: 2, size: *size, warmup, steps };
                train_step(&work, &Device::Cpu).unwrap()
            };
            let first = times(0, 1);
            let later = times(30, 4);
            assert_eq!((first.seconds.len(), later.seconds.len()), (1, 4));
            assert!(later.seconds.iter().all(|&s| s > 0.0));
            assert!(first.parameters > 100 && first.parameters == later.parameters);
            // The same batch is used over and over, so it is soon learnt by heart. A step that did not move the weights would
            // not lower the loss.
            assert!(later.loss < first.loss, "{}: {} after {}", model.name(), later.loss, first.loss);
            assert_eq!(times(30, 4).loss, later.loss);
        }
    }

    #[test]
    fn a_batch_is_spread_over_0_to_1_and_over_the_classes() {
        let (model, _) = &small()[0];
        let work = TrainStep { model, batch: 3, size: 20, warmup: 0, steps: 1 };
        let (images, classes) = batch(&work, &Device::Cpu).unwrap();
        assert_eq!((images.dims(), classes.dims()), (&[3, 3, 20, 20][..], &[3, 20, 20][..]));
        let images: Vec<f32> = images.flatten_all().unwrap().to_vec1().unwrap();
        assert!(images.iter().all(|v| (0.0..1.0).contains(v)));
        let mean = images.iter().sum::<f32>() / images.len() as f32;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        let classes: Vec<u8> = classes.flatten_all().unwrap().to_vec1().unwrap();
        let mut counts = [0; 3];
        for class in classes {
            counts[usize::from(class)] += 1;
        }
        assert!(counts.iter().all(|n| (330..470).contains(n)), "{counts:?}");
    }

    #[test]
    fn no_steps_are_an_error() {
        let (model, _) = &small()[0];
        let work = TrainStep { model, batch: 1, size: 8, warmup: 0, steps: 0 };
        assert!(train_step(&work, &Device::Cpu).is_err());
    }
}
