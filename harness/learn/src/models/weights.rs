//! Weights on disk: safetensors under the model's own names, with one metadata entry `harness` for spec and counters. PyTorch's
//! state dicts are read as well. The first bytes of a file tell the two apart.
//!
//! The names are PyTorch's, so `network.load_state_dict(safetensors.torch.load_file(file))` accepts our files. They lack batch
//! norm's `num_batches_tracked`, which PyTorch fills in for a plain dictionary of tensors.

use super::{Model, ModelSpec, Normalise, pytorch};
use candle_core::{DType, Device, Tensor};
use harness_record::{RecordError, files};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// The largest weight file that is read, in bytes.
const LIMIT: u64 = 4 << 30;

/// The errors of weight files.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// It cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It is not a safetensors file.
    #[error("{path} is not a safetensors file: {reason}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The parser's message.
        reason: String,
    },
    /// It begins like PyTorch's files, but holds no readable state dict.
    #[error("{path} is not a PyTorch state dict: {reason}")]
    Pytorch {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The network's encoder is not a ResNet-34.
    #[error("the model {model} has no encoder that can be loaded; only linknet has one")]
    NoEncoder {
        /// The model's name.
        model: &'static str,
    },
    /// Its tensors do not match the model's.
    #[error("{path} does not fit the model {model}:\n{problems}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The model's name.
        model: &'static str,
        /// One line for each tensor that is missing, unknown or of another shape.
        problems: String,
    },
    /// candle refused a tensor.
    #[error("cannot move weights of {path}: {source}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// candle's error.
        source: candle_core::Error,
    },
}

/// The header that our weight files carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The network.
    pub model: ModelSpec,
    /// Side of the images it was trained on, in pixels.
    pub size: u32,
    /// The scale on which it saw them. If absent, it saw them unscaled, in 0..1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Normalise>,
    /// Integer counters that belong to the state.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
}

/// Reads the header of a weight file; `None` if another program wrote it.
pub fn read_header(path: &Path) -> Result<Option<Header>, WeightsError> {
    let bytes = files::read(path, LIMIT)?;
    header_of(path, &bytes)
}

fn header_of(path: &Path, bytes: &[u8]) -> Result<Option<Header>, WeightsError> {
    if pytorch::is_pytorch(bytes) {
        return Ok(None);
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format_error(path, &e))?;
    let Some(text) = metadata.metadata().as_ref().and_then(|m| m.get("harness")) else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|e| format_error(path, &e))
}

fn format_error(path: &Path, reason: &dyn std::fmt::Display) -> WeightsError {
    WeightsError::Format { path: path.to_owned(), reason: reason.to_string() }
}

/// The safetensors bytes of named f32 tensors. Equal values give equal bytes.
pub(crate) fn to_bytes(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    entry: (&str, String),
) -> Result<Vec<u8>, WeightsError> {
    let wrap = |source| WeightsError::Tensor { path: path.to_owned(), source };
    let mut data = Vec::new();
    for (name, tensor) in tensors {
        let values = tensor.flatten_all().and_then(|t| t.to_dtype(DType::F32)?.to_vec1::<f32>()).map_err(wrap)?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        data.push((name, tensor.dims().to_vec(), bytes));
    }
    let mut views = Vec::new();
    for (name, shape, bytes) in &data {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| format_error(path, &e))?;
        views.push((name.as_str(), view));
    }
    // A map of several entries would be written in hash order, and the bytes would differ from run to run. So there is only
    // one.
    let metadata = HashMap::from([(entry.0.to_owned(), entry.1)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| format_error(path, &e))
}

/// The f32 tensors of safetensors bytes.
pub(crate) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| format_error(path, &e))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            Dtype::I64 => DType::I64,
            other => return Err(format_error(path, &format!("tensor {name} is of type {other:?}, not a float"))),
        };
        let tensor = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)
            .and_then(|t| t.to_dtype(DType::F32))
            .map_err(|source| WeightsError::Tensor { path: path.to_owned(), source })?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

/// The content of a weight file.
pub(super) struct Weights {
    pub(super) header: Option<Header>,
    /// f32 tensors. Those of foreign files have the names that our network uses.
    pub(super) tensors: BTreeMap<String, Tensor>,
}

/// Reads a weight file of any kind.
pub(super) fn read(path: &Path) -> Result<Weights, WeightsError> {
    let bytes = files::read(path, LIMIT)?;
    let header = header_of(path, &bytes)?;
    let tensors = if pytorch::is_pytorch(&bytes) {
        pytorch::read(&bytes).map_err(|reason| WeightsError::Pytorch { path: path.to_owned(), reason })?
    } else {
        from_bytes(path, &bytes)?
    };
    let tensors = if header.is_some() { tensors } else { plain_names(tensors) };
    Ok(Weights { header, tensors })
}

/// Strips the prefixes that PyTorch's wrappers put before all names, and drops batch norm's counters of batches.
fn plain_names(mut tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    tensors.retain(|name, _| !name.ends_with("num_batches_tracked"));
    while let Some(prefix) = ["module.", "_orig_mod."].into_iter().find(|prefix| {
        !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(prefix)) //
    }) {
        tensors = tensors.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect();
    }
    tensors
}

/// Writes named tensors to a safetensors file.
pub fn save_tensors(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<(), WeightsError> {
    Ok(files::write(path, &to_bytes(path, tensors, ("format", "pt".to_owned()))?)?)
}

impl Model {
    /// Writes all tensors, and what is needed to rebuild the model, to a safetensors file. `size` is the side of the images in
    /// pixels, `normalise` the scale on which the network sees them.
    pub fn save(&self, path: &Path, size: u32, normalise: Option<Normalise>) -> Result<(), WeightsError> {
        let header = Header { model: self.spec().clone(), size, normalise, counters: self.counters() };
        let text = serde_json::to_string(&header).map_err(|e| format_error(path, &e))?;
        Ok(files::write(path, &to_bytes(path, &self.tensors(), ("harness", text))?)?)
    }

    /// Replaces the model's tensors by those of a file: one of our safetensors files, or any safetensors file or state dict of
    /// PyTorch with the same names and shapes. Prefixes `module.` and `_orig_mod.` of all names are ignored. A VQ-VAE's number
    /// of codebook updates, which PyTorch does not save, is recovered from its moving averages.
    pub fn load(&self, path: &Path) -> Result<(), WeightsError> {
        let weights = read(path)?;
        self.set_tensors(path, &weights.tensors)?;
        match weights.header {
            Some(header) => {
                self.set_counters(&header.counters);
                Ok(())
            }
            None => {
                self.network.recover_counters().map_err(|source| WeightsError::Tensor { path: path.to_owned(), source })
            }
        }
    }

    pub(crate) fn tensors(&self) -> BTreeMap<String, Tensor> {
        self.state().iter().map(|(name, entry)| (name.clone(), entry.var.as_tensor().clone())).collect()
    }

    pub(crate) fn counters(&self) -> BTreeMap<String, u64> {
        self.network.counters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub(crate) fn set_counters(&self, counters: &BTreeMap<String, u64>) {
        for (name, &value) in counters {
            self.network.set_counter(name, value);
        }
    }

    /// Replaces the model's tensors by `tensors`. All problems are listed before anything is changed.
    pub(crate) fn set_tensors(&self, path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<(), WeightsError> {
        self.set_tensors_where(path, tensors, |_| true)
    }

    /// Does the same for those tensors of the model whose name is `wanted`.
    pub(super) fn set_tensors_where(
        &self,
        path: &Path,
        tensors: &BTreeMap<String, Tensor>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), WeightsError> {
        let own: BTreeMap<_, _> = self.state().iter().filter(|(name, _)| wanted(name)).collect();
        let mut problems = Vec::new();
        for (name, entry) in &own {
            match tensors.get(*name) {
                None => problems.push(format!("  missing: {name} {:?}", entry.var.dims())),
                Some(t) if t.dims() != entry.var.dims() => {
                    problems.push(format!("  shape: {name} is {:?}, expected {:?}", t.dims(), entry.var.dims()));
                }
                Some(_) => {}
            }
        }
        problems.extend(tensors.keys().filter(|n| !own.contains_key(n)).map(|n| format!("  unknown: {n}")));
        if !problems.is_empty() {
            let model = self.spec().name();
            return Err(WeightsError::Mismatch { path: path.to_owned(), model, problems: problems.join("\n") });
        }
        for (name, entry) in own {
            let moved = tensors[name].to_device(self.device()).and_then(|t| entry.var.set(&t));
            moved.map_err(|source| WeightsError::Tensor { path: path.to_owned(), source })?;
        }
        Ok(())
    }
}
