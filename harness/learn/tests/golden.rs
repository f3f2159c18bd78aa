//! Every model against PyTorch: output, loss, gradients, and weights and buffers after one step of Adam.
//!
//! The files are made by the reference's `golden.py`; model, options and mode come from each file's metadata. Those under
//! `tests/golden/` are always checked, and those in the folder that `HARNESS_GOLDENS` names, if it is set.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use harness_learn::{
    models::{Mode, Model, ModelSpec, Role},
    ops,
    optimizer::{Adam, AdamSpec},
};
use safetensors::SafeTensors;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// Largest difference allowed, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-4;

/// Adam's first step is `rate·g/(|g| + 1e-8)`: where a gradient is itself near 1e-8, rounding alone decides the step. At the
/// published size PyTorch's f32 step differs there from its own f64 step by 6e-4 of the largest weight, with gradients that
/// agree to 1e-6. So weights whose gradient is below this share of the tensor's largest need only have moved by at most
/// the rate on either side; their gradients are compared like all others.
const UNDETERMINED: f32 = 1e-4;

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

    fn spec(&self) -> ModelSpec {
        let options: serde_json::Value = serde_json::from_str(&self.metadata["options"]).unwrap();
        let spec = serde_json::json!({ &self.metadata["model"]: options });
        serde_json::from_value(spec).unwrap_or_else(|e| panic!("{} {options}: {e}", self.metadata["model"]))
    }
}

fn check(path: &Path) -> f32 {
    let golden = Golden::read(path);
    let model = Model::new(&golden.spec(), 0, &Device::Cpu).unwrap();
    let weights = golden.under("weight");
    assert_eq!(model.state().keys().collect::<Vec<_>>(), weights.keys().collect::<Vec<_>>(), "{}", path.display());
    for (name, entry) in model.state() {
        entry.var.set(&weights[name.as_str()].to_dtype(DType::F32).unwrap()).unwrap();
    }
    let mode = if golden.metadata["mode"] == "eval" { Mode::Evaluate } else { Mode::Train };
    let target = &golden.tensors["target"];
    let out = model.forward(&golden.tensors["input"], mode).unwrap();
    let loss = ops::cross_entropy(&out.channels, target).unwrap();
    let mut worst = Worst { path, error: 0.0 };
    worst.compare("output", &out.channels, &golden.tensors["output"]);
    worst.compare("loss", &loss.reshape(1).unwrap(), &golden.tensors["loss"]);
    if let Some(commitment) = &out.commitment {
        worst.compare("commitment", &commitment.reshape(1).unwrap(), &golden.tensors["commitment"]);
    }
    let total = out.penalty.map_or_else(|| loss.clone(), |p| (&loss + p).unwrap());
    let gradients = total.backward().unwrap();
    let expected = golden.under("grad");
    for (name, entry) in model.state().iter().filter(|(_, e)| e.role == Role::Parameter) {
        let gradient = gradients.get(entry.var.as_tensor()).unwrap_or_else(|| panic!("no gradient for {name}"));
        worst.compare(&format!("grad.{name}"), gradient, expected[name.as_str()]);
    }
    let spec: AdamSpec = serde_json::from_value(serde_json::json!({ "learning_rate": RATE })).unwrap();
    Adam::new(&spec, model.state()).unwrap().step(&gradients).unwrap();
    let after = golden.under("after");
    for (name, entry) in model.state() {
        let gradient = expected.get(name.as_str()).copied();
        worst.compare_step(&format!("after.{name}"), entry.var.as_tensor(), after[name.as_str()], gradient);
    }
    worst.error
}

struct Worst<'a> {
    path: &'a Path,
    error: f32,
}

impl Worst<'_> {
    fn compare(&mut self, name: &str, ours: &Tensor, theirs: &Tensor) {
        self.compare_step(name, ours, theirs, None);
    }

    fn compare_step(&mut self, name: &str, ours: &Tensor, theirs: &Tensor, gradient: Option<&Tensor>) {
        assert_eq!(ours.dims(), theirs.dims(), "{}: shape of {name}", self.path.display());
        let (ours, theirs) = (values(ours), values(theirs));
        let gradient = gradient.map_or_else(|| vec![1.0; theirs.len()], values);
        let (scale, steepest) = (largest(&theirs), largest(&gradient));
        for ((x, y), g) in ours.iter().zip(&theirs).zip(&gradient) {
            let determined = g.abs() >= UNDETERMINED * steepest;
            let (difference, allowed) = ((x - y).abs(), if determined { TOLERANCE * scale } else { 2.0 * RATE });
            assert!(
                difference <= allowed, // false for NaN, too
                "{}: {name} differs by {:e} of its largest value {scale:e}",
                self.path.display(),
                difference / scale
            );
            if determined {
                self.error = self.error.max(difference / scale);
            }
        }
    }
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
    for path in files(folder) {
        println!("{}: largest relative error {:.1e}", path.display(), check(&path));
    }
}

#[test]
fn committed_goldens_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    assert!(files(&folder).len() >= 4, "the committed goldens are missing");
    check_all(&folder);
}

#[test]
fn goldens_of_the_environment_agree() {
    match std::env::var_os("HARNESS_GOLDENS") {
        Some(folder) => check_all(Path::new(&folder)),
        None => println!("skipped: HARNESS_GOLDENS names no folder of further goldens"),
    }
}
