//! Compares every model with PyTorch: output, loss, gradients, and weights and buffers after one step of Adam.
//!
//! `reference/golden.py` makes the files; the metadata of each file gives model, options and mode. Those under `tests/golden/`
//! are always checked (`reference/remake.py` makes them), and those in the folder that `HARNESS_GOLDENS` names, if it is set.
//! All are checked on the CPU, and on the first GPU if CUDA is built in and there is one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use harness_learn::{
    device::{self, DeviceChoice},
    models::{LinknetSpec, Mode, Model, ModelSpec, Role, SegnetSpec},
    ops,
    optimizer::{Optimizer, OptimizerSpec},
    precision::Precision,
};
use safetensors::SafeTensors;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// Largest difference allowed, relative to the largest value of the tensor, or, for a gradient, to the largest of its layer.
/// The gradient of a convolution's bias before a batch norm is 0 up to rounding, because the norm cancels every shift.
/// PyTorch's own is up to 2e-6 of its weight's at the published width; in f64 it is below 1e-15.
const TOLERANCE: f32 = 1e-4;

/// Adam's first step is `rate·g/(|g| + 1e-8)`. A gradient may be off by the tolerance times the largest of its layer. If it is
/// smaller than that, only rounding decides the direction of the step, so the weight may move by up to the rate in either
/// direction. If it is larger but near 1e-8, the error of the step may be that of the gradient times the derivative,
/// `rate·1e-8/(|g| + 1e-8)²`. At the published size, PyTorch's f32 step of the VQ-VAE differs there from its own f64 step by
/// 6e-4 of the largest weight, with gradients that agree to 1e-6.
const EPSILON: f32 = 1e-8;

/// SegNet and LinkNet at the published width, where no two f32 programs agree to 1e-4. For a few of millions of elements, the
/// last bit decides which element of a pool is the largest or on which side of 0 a ReLU's input lies, and batch norms amplify
/// the difference. Measured on goldens of 120, 128 and 256 pixels, PyTorch's f32 differs from its own f64 by up to 9e-2
/// (training) and 5e-3 (evaluation) of a gradient's largest element, and SegNet's output by up to 9e-2 of its maximum. In the
/// Euclidean norm, which few elements cannot dominate, the differences are 8e-2 and 1.1e-3 for gradients, 1.1e-2 and 3e-6 for
/// outputs. Such distances in the Euclidean norm are allowed there. The committed goldens hold the same networks, narrower, to
/// the strict tolerance.
const WIDE: usize = 32;
const WIDE_TRAIN: f32 = 1e-1;
const WIDE_EVAL: f32 = 5e-3;

/// In a precision below f32, output and gradients of a network are compared in the Euclidean norm, all gradients together: a
/// small gradient is the difference of large terms, and the side of 0 on which a ReLU's input lies changes it entirely.
/// PyTorch's autocast to bf16 on the CPU is itself off by up to 1.8e-1 of the gradients in evaluation and 1.4e-2 of the
/// VQ-VAE's. For the small SegNet in training, where pools and batch norms alternate, it is off by 1.4 times their norm, which
/// would test nothing, so that case is left out.
const TF32: f32 = 5e-2;
const BF16: f32 = 3e-1;

const RATE: f32 = 1e-3;

struct Golden {
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let metadata = SafeTensors::read_metadata(&bytes).unwrap().1.metadata().clone().unwrap_or_default();
        Self { tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(), metadata }
    }

    /// Tensors under `prefix.`, by the rest of their names.
    fn under(&self, prefix: &str) -> BTreeMap<&str, &Tensor> {
        self.tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(prefix)?.strip_prefix('.')?, t))).collect()
    }

    /// Copies the weights before the step into `model`, from the golden itself or from the file beside it that it names.
    fn load(&self, model: &Model, path: &Path) {
        if let Some(file) = self.metadata.get("weights") {
            return model.load(&path.with_file_name(file)).unwrap();
        }
        let mut weights = self.under("weight");
        weights.retain(|name, _| !name.ends_with("num_batches_tracked"));
        assert_eq!(model.state().keys().collect::<Vec<_>>(), weights.keys().collect::<Vec<_>>(), "{}", path.display());
        for (name, entry) in model.state() {
            let weight = weights[name.as_str()].to_dtype(DType::F32).unwrap();
            entry.var.set(&weight.to_device(model.device()).unwrap()).unwrap();
        }
    }

    fn spec(&self) -> ModelSpec {
        let options: serde_json::Value = serde_json::from_str(&self.metadata["options"]).unwrap();
        let spec = serde_json::json!({ &self.metadata["model"]: options });
        serde_json::from_value(spec).unwrap_or_else(|e| panic!("{} {options}: {e}", self.metadata["model"]))
    }
}

/// The network's result for a golden's input before the step.
struct Pass {
    model: Model,
    mode: Mode,
    output: Tensor,
    loss: Tensor,
    commitment: Option<Tensor>,
    gradients: ops::Gradients,
}

impl Pass {
    fn new(golden: &Golden, path: &Path, device: &Device) -> Self {
        let model = Model::new(&golden.spec(), 0, device).unwrap();
        golden.load(&model, path);
        let mode = if golden.metadata["mode"] == "eval" { Mode::Evaluate } else { Mode::Train };
        let [input, target] = ["input", "target"].map(|name| golden.tensors[name].to_device(device).unwrap());
        let ((output, loss, commitment, total), tape) = ops::record(|| {
            let out = model.forward(&input, mode).unwrap();
            // PyTorch's SegNet divides its own output; ours leaves that to the protocol.
            let segnet = matches!(model.spec(), ModelSpec::Segnet(_));
            let output = if segnet { ops::divide_by_maximum(&out.channels).unwrap() } else { out.channels.clone() };
            let loss = ops::cross_entropy(&output, &target).unwrap();
            let total = out.loss(&loss).unwrap();
            (output, loss, out.commitment, total)
        });
        let gradients = tape.gradients(&total).unwrap();
        Self { model, mode, output, loss, commitment, gradients }
    }
}

/// The largest error of a golden in f32.
fn check(path: &Path, device: &Device) -> f32 {
    Precision::F32.apply(device).unwrap();
    let golden = Golden::read(path);
    let Pass { model, mode, output, loss, commitment, gradients } = Pass::new(&golden, path, device);
    let mut worst = Worst { path, error: 0.0, wide: wide(model.spec(), mode) };
    worst.compare("output", &output, &golden.tensors["output"], None);
    worst.compare("loss", &loss.reshape(1).unwrap(), &golden.tensors["loss"], None);
    if let Some(commitment) = &commitment {
        worst.compare("commitment", &commitment.reshape(1).unwrap(), &golden.tensors["commitment"], None);
    }
    let expected = golden.under("grad");
    for (name, entry) in model.state().iter().filter(|(_, e)| e.role == Role::Parameter) {
        let gradient = gradients.get(entry.var.as_tensor()).unwrap_or_else(|| panic!("no gradient for {name}"));
        let Some(theirs) = expected.get(name.as_str()) else {
            let left_out = golden.metadata.get("left_out").filter(|layer| !layer.is_empty());
            assert!(left_out.is_some_and(|layer| name.starts_with(layer)), "{}: no grad.{name}", path.display());
            continue;
        };
        worst.compare(&format!("grad.{name}"), gradient, theirs, Some(steepest(&expected, name)));
    }
    let spec: OptimizerSpec = serde_json::from_value(serde_json::json!({ "adam": { "learning_rate": RATE } })).unwrap();
    Optimizer::new(&spec, model.state()).unwrap().step(&gradients, spec.learning_rate()).unwrap();
    let after = golden.under("after");
    for (name, entry) in model.state() {
        let gradient = expected.get(name.as_str()).map(|&gradient| (gradient, steepest(&expected, name)));
        match after.get(name.as_str()) {
            Some(after) => worst.compare_step(&format!("after.{name}"), entry.var.as_tensor(), after, gradient),
            // If the weights are in a separate file, the golden lacks the step's result as well.
            None => {
                assert!(golden.metadata.contains_key("weights") && entry.role == Role::Parameter, "no after.{name}");
            }
        }
    }
    worst.error
}

/// Errors of output and gradients of a golden in a precision below f32; `None` if the golden is left out.
fn check_reduced(path: &Path, device: &Device, precision: Precision) -> Option<[f32; 2]> {
    let golden = Golden::read(path);
    if golden.metadata["model"] == "segnet" && golden.metadata["mode"] != "eval" {
        return None;
    }
    precision.apply(device).unwrap();
    let Pass { model, output, gradients, .. } = Pass::new(&golden, path, device);
    Precision::F32.apply(device).unwrap();
    let expected = golden.under("grad");
    let ours = |name: &str| values(gradients.get(model.state()[name].var.as_tensor()).expect("a gradient"));
    let pairs = expected.iter().map(|(name, theirs)| (ours(name), values(theirs)));
    let errors = [distance(std::iter::once((values(&output), values(&golden.tensors["output"])))), distance(pairs)];
    let most = if precision == Precision::Tf32 { TF32 } else { BF16 };
    // False for NaN, too.
    assert!(errors.iter().all(|error| *error <= most), "{}: {precision} is off by {errors:?}", path.display());
    Some(errors)
}

/// Norm of all differences, relative to the norm of the expected values.
fn distance(pairs: impl Iterator<Item = (Vec<f32>, Vec<f32>)>) -> f32 {
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.unzip();
    let (ours, theirs) = (ours.concat(), theirs.concat());
    norm(ours.iter().zip(&theirs).map(|(x, y)| x - y)) / norm(theirs.iter().copied())
}

/// The tolerance of a wide network, or `None` for all others.
fn wide(spec: &ModelSpec, mode: Mode) -> Option<f32> {
    let (ModelSpec::Segnet(SegnetSpec { width }) | ModelSpec::Linknet(LinknetSpec { width })) = spec else {
        return None;
    };
    (*width >= WIDE).then_some(if mode == Mode::Train { WIDE_TRAIN } else { WIDE_EVAL })
}

/// The largest gradient of the layer to which `name` belongs.
fn steepest(gradients: &BTreeMap<&str, &Tensor>, name: &str) -> f32 {
    let layer = |name: &str| name.rsplit_once('.').map(|(layer, _)| layer.to_owned());
    let same = gradients.iter().filter(|(other, _)| layer(other) == layer(name));
    same.map(|(_, gradient)| largest(&values(gradient))).fold(1e-12, f32::max)
}

struct Worst<'a> {
    path: &'a Path,
    error: f32,
    wide: Option<f32>,
}

impl Worst<'_> {
    /// `scale` is the reference of the difference. If absent, it is the largest of the expected values.
    fn compare(&mut self, name: &str, ours: &Tensor, theirs: &Tensor, scale: Option<f32>) {
        assert_eq!(ours.dims(), theirs.dims(), "{}: shape of {name}", self.path.display());
        let (ours, theirs) = (values(ours), values(theirs));
        let scale = scale.unwrap_or_else(|| largest(&theirs));
        let error = match self.wide {
            Some(_) => norm(ours.iter().zip(&theirs).map(|(x, y)| x - y)) / (scale.max(norm(theirs.iter().copied()))),
            None => ours.iter().zip(&theirs).fold(0.0, |worst: f32, (x, y)| worst.max((x - y).abs() / scale)),
        };
        let finite = ours.iter().all(|x| x.is_finite());
        assert!(
            finite && error <= self.wide.unwrap_or(TOLERANCE),
            "{}: {name} differs by {error:e} of {scale:e}",
            self.path.display()
        );
        self.error = self.error.max(error);
    }

    /// Compares the result of a step on weights as precisely as their gradient determines it, relative to the largest
    /// of the layer.
    fn compare_step(&mut self, name: &str, ours: &Tensor, theirs: &Tensor, gradient: Option<(&Tensor, f32)>) {
        let Some((gradient, steepest)) = gradient else { return self.compare(name, ours, theirs, None) };
        assert_eq!(ours.dims(), theirs.dims(), "{}: shape of {name}", self.path.display());
        let (ours, theirs, gradient) = (values(ours), values(theirs), values(gradient));
        let scale = largest(&theirs);
        let blur = self.wide.unwrap_or(TOLERANCE) * steepest;
        for ((x, y), g) in ours.iter().zip(&theirs).zip(&gradient) {
            let determined = g.abs() > blur;
            let step = if determined { RATE * EPSILON * blur / (g.abs() - blur + EPSILON).powi(2) } else { 2.0 * RATE };
            let difference = (x - y).abs();
            assert!(
                difference <= TOLERANCE * scale + step.min(2.0 * RATE), // false for NaN, too
                "{}: {name} differs by {:e} of its largest value {scale:e}",
                self.path.display(),
                difference / scale
            );
            if determined {
                self.error = self.error.max((difference - step).max(0.0) / scale);
            }
        }
    }
}

fn norm(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(1e-12, |a, b| a.max(b.abs()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|x| x == "safetensors")).collect();
    files.sort();
    files
}

fn check_all(folder: &Path) {
    let gpu = device::select(DeviceChoice::Cuda(0)).map(|chosen| chosen.device);
    if let Err(error) = &gpu {
        println!("not checked on CUDA: {error}");
    }
    for path in files(folder) {
        println!("{}: largest relative error {:.1e}", path.display(), check(&path, &Device::Cpu));
        let Ok(gpu) = &gpu else { continue };
        println!("    on CUDA {:.1e}", check(&path, gpu));
        for precision in [Precision::Tf32, Precision::Bf16].into_iter().filter(|p| p.check(gpu).is_ok()) {
            if let Some([output, gradients]) = check_reduced(&path, gpu, precision) {
                println!("    on CUDA in {precision}: norm of output {output:.1e}, of gradients {gradients:.1e}");
            }
        }
    }
}

#[test]
fn committed_goldens_agree() {
    // Cargo sets the package's folder, also when it runs the test. A script that runs the test elsewhere can set it.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let folder = Path::new(&package).join("tests/golden");
    assert!(files(&folder).len() >= 8, "the committed goldens are missing");
    check_all(&folder);
}

#[test]
fn goldens_of_the_environment_agree() {
    match std::env::var_os("HARNESS_GOLDENS") {
        Some(folder) => check_all(Path::new(&folder)),
        None => println!("skipped: HARNESS_GOLDENS names no folder of further goldens"),
    }
}
