//! Performs convolutions with cuDNN. The algorithm is chosen once per problem, and recorded.
//!
//! cuDNN's heuristic lists algorithms for a problem, fastest first. We take the first that cuDNN calls deterministic and whose
//! workspace is not too large. The heuristic measures nothing, so the choice is the same on every run with the same GPU and
//! version of cuDNN.

use super::{
    cudnn::{Arithmetic, Filters, Form, Images},
    engine::Engine,
    layout::Mode,
    profile::measured,
};
use crate::precision::Precision;
use candle_core::{
    Error, Result,
    cuda_backend::{
        DeviceId,
        cudarc::cudnn::{
            result::{self as cudnn, CudnnError},
            sys::{
                self, cudnnConvolutionBwdDataAlgo_t as DataAlgorithm,
                cudnnConvolutionBwdFilterAlgo_t as FilterAlgorithm, cudnnConvolutionFwdAlgo_t as ForwardAlgorithm,
                cudnnHandle_t, cudnnMathType_t as Math,
            },
        },
    },
};
use std::{
    collections::{BTreeSet, HashMap},
    ffi::c_void,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// The largest workspace of an algorithm, in bytes.
const WORKSPACE: usize = 2 << 30;

/// Number of algorithms requested from cuDNN: more than it has, counting each kind of arithmetic.
const OFFERS: usize = 16;

/// The plans of this process.
static PLANS: LazyLock<Mutex<Plans>> = LazyLock::new(Mutex::default);

/// A problem without a deterministic algorithm has no plan.
type Plans = HashMap<(DeviceId, Problem), Option<Arc<Plan>>>;

static CHOSEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The algorithms that cuDNN's convolutions have used so far in this process, one line per problem.
pub fn chosen_algorithms() -> Vec<String> {
    CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// The result that a convolution computes from images, filters and maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    /// Maps, from images and filters.
    Forward,
    /// Gradient of the images, from maps and filters.
    Data,
    /// Gradient of the filters, from images and maps.
    Filter,
}

/// A convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Problem {
    pub(super) direction: Direction,
    /// `[B, C, H, W]`
    pub(super) images: [usize; 4],
    /// `[O, C, KH, KW]`
    pub(super) filters: [usize; 4],
    /// `[B, O, H', W']`
    pub(super) maps: [usize; 4],
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) mode: Mode,
}

impl Problem {
    fn math(&self) -> Math {
        match self.mode.precision {
            Precision::F32 => Math::CUDNN_FMA_MATH,
            Precision::Tf32 => Math::CUDNN_DEFAULT_MATH, // which is TF32 on tensor cores for f32
            Precision::Bf16 => Math::CUDNN_TENSOR_OP_MATH,
        }
    }

    /// A short description, for records and errors.
    pub(super) fn describe(&self) -> String {
        let sides = |dims: [usize; 4]| dims.map(|n| n.to_string()).join("x");
        let direction = match self.direction {
            Direction::Forward => "convolution",
            Direction::Data => "gradient of the images",
            Direction::Filter => "gradient of the filters",
        };
        format!(
            "{direction}, images {}, filters {}, stride {}, padding {}, {}{}",
            sides(self.images),
            sides(self.filters),
            self.stride,
            self.padding,
            self.mode.precision.name(),
            if self.mode.last { ", channels last" } else { "" }
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Algorithm {
    Forward(ForwardAlgorithm),
    Data(DataAlgorithm),
    Filter(FilterAlgorithm),
}

impl Algorithm {
    /// The name of what it computes, for a profile.
    fn direction(self) -> &'static str {
        match self {
            Self::Forward(_) => "convolution forward",
            Self::Data(_) => "convolution, gradient of images",
            Self::Filter(_) => "convolution, gradient of filters",
        }
    }

    fn name(self) -> String {
        let name = match self {
            Self::Forward(algorithm) => format!("{algorithm:?}"),
            Self::Data(algorithm) => format!("{algorithm:?}"),
            Self::Filter(algorithm) => format!("{algorithm:?}"),
        };
        name.trim_start_matches("CUDNN_CONVOLUTION_").to_owned()
    }
}

/// The heuristic's information on an algorithm.
#[derive(Debug)]
struct Offer {
    algorithm: Algorithm,
    /// True if it can be used and gives the same bits on every run.
    usable: bool,
    math: Math,
}

/// Everything needed to solve a problem.
pub(super) struct Plan {
    images: Images,
    filters: Filters,
    maps: Images,
    arithmetic: Arithmetic,
    algorithm: Algorithm,
    workspace: usize,
}

// SAFETY: its descriptors do not change once it is made, and cuDNN lets any thread read them.
unsafe impl Send for Plan {}
unsafe impl Sync for Plan {}

impl Plan {
    /// The plan of `problem` on the engine's device. It is created on first use. `None` if cuDNN has no deterministic algorithm for
    /// it.
    pub(super) fn of(engine: &Engine, problem: &Problem) -> Result<Option<Arc<Self>>> {
        let key = (engine.device.id(), *problem);
        let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&key) {
            return Ok(plan.clone());
        }
        let plan = Self::new(engine, problem)?.map(Arc::new);
        plans.insert(key, plan.clone());
        Ok(plan)
    }

    fn new(engine: &Engine, problem: &Problem) -> Result<Option<Self>> {
        let form = Form { dtype: problem.mode.element(), last: problem.mode.last };
        let mut plan = Self {
            images: Images::new(form, problem.images)?,
            filters: Filters::new(form, problem.filters)?,
            maps: Images::new(form, problem.maps)?,
            arithmetic: Arithmetic::new(problem.stride, problem.padding, problem.math())?,
            // Deterministic in each direction and available for every problem: the fallback if the heuristic offers nothing.
            algorithm: match problem.direction {
                Direction::Forward => {
                    Algorithm::Forward(ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
                }
                Direction::Data => Algorithm::Data(DataAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1),
                Direction::Filter => Algorithm::Filter(FilterAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1),
            },
            workspace: 0,
        };
        let math = plan.choose(engine.dnn().handle, problem)?;
        let what = match math {
            Some(math) => {
                let math = format!("{math:?}");
                let (name, math) = (plan.algorithm.name(), math.trim_start_matches("CUDNN_"));
                format!("{name}, {math}, {:.1} MiB of workspace", plan.workspace as f64 / f64::from(1 << 20))
            }
            None => "cuDNN has no deterministic algorithm for this; computed in f32".to_owned(),
        };
        let line = format!("{}: {what}", problem.describe());
        CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
        Ok(math.map(|_| plan))
    }

    /// Sets algorithm, arithmetic and workspace; returns the arithmetic, or `None` if there is no deterministic algorithm.
    fn choose(&mut self, handle: cudnnHandle_t, problem: &Problem) -> Result<Option<Math>> {
        let offers = self.offers(handle, problem.direction).map_err(Error::wrap)?;
        for offer in offers.iter().filter(|offer| offer.usable) {
            // An algorithm is offered for one kind of arithmetic, but f32 must not use tensor cores.
            let math = if problem.math() == Math::CUDNN_FMA_MATH { Math::CUDNN_FMA_MATH } else { offer.math };
            self.arithmetic.set_math(math)?;
            if let Ok(workspace) = self.workspace_of(handle, offer.algorithm)
                && workspace <= WORKSPACE
            {
                (self.algorithm, self.workspace) = (offer.algorithm, workspace);
                return Ok(Some(math));
            }
        }
        self.arithmetic.set_math(problem.math())?;
        let Ok(workspace) = self.workspace_of(handle, self.algorithm) else { return Ok(None) };
        self.workspace = workspace;
        Ok(Some(problem.math()))
    }

    /// The algorithms that the heuristic offers, fastest first.
    fn offers(&self, handle: cudnnHandle_t, direction: Direction) -> std::result::Result<Vec<Offer>, CudnnError> {
        let (images, filters, maps, arithmetic) = (self.images.0, self.filters.0, self.maps.0, self.arithmetic.0);
        let mut count = 0;
        macro_rules! offers {
            ($ask:path, $kind:path, $a:expr, $b:expr, $c:expr) => {{
                // SAFETY: the results are plain numbers for which zero is valid, including the enums. Handle and descriptors
                // live; `count` matches the array.
                let offered = unsafe {
                    let mut offered = [std::mem::zeroed(); OFFERS];
                    $ask(handle, $a, $b, arithmetic, $c, OFFERS as i32, &raw mut count, offered.as_mut_ptr())?;
                    offered
                };
                offered
                    .iter()
                    .take(usize::try_from(count).unwrap_or_default())
                    .map(|offered| Offer {
                        algorithm: $kind(offered.algo),
                        usable: offered.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
                            && offered.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC,
                        math: offered.mathType,
                    })
                    .collect()
            }};
        }
        Ok(match direction {
            Direction::Forward => {
                offers!(cudnn::get_convolution_forward_algorithm, Algorithm::Forward, images, filters, maps)
            }
            Direction::Data => {
                offers!(cudnn::get_convolution_backward_data_algorithm, Algorithm::Data, filters, maps, images)
            }
            Direction::Filter => {
                offers!(cudnn::get_convolution_backward_filter_algorithm, Algorithm::Filter, images, maps, filters)
            }
        })
    }

    /// The workspace of `algorithm` in bytes, or the reason why it cannot be used.
    fn workspace_of(&self, handle: cudnnHandle_t, algorithm: Algorithm) -> std::result::Result<usize, CudnnError> {
        let (images, filters, maps, arithmetic) = (self.images.0, self.filters.0, self.maps.0, self.arithmetic.0);
        // SAFETY: handle and descriptors live.
        unsafe {
            match algorithm {
                Algorithm::Forward(algorithm) => {
                    cudnn::get_convolution_forward_workspace_size(handle, images, filters, arithmetic, maps, algorithm)
                }
                Algorithm::Data(algorithm) => cudnn::get_convolution_backward_data_workspace_size(
                    handle, filters, maps, arithmetic, images, algorithm,
                ),
                Algorithm::Filter(algorithm) => cudnn::get_convolution_backward_filter_workspace_size(
                    handle, images, maps, arithmetic, filters, algorithm,
                ),
            }
        }
    }

    /// Computes one of the three arrays from the other two, at the given addresses.
    pub(super) fn run(&self, engine: &Engine, images: u64, filters: u64, maps: u64) -> Result<()> {
        let (alpha, beta) = (1.0f32, 0.0f32);
        let (alpha, beta) = ((&raw const alpha).cast::<c_void>(), (&raw const beta).cast::<c_void>());
        let mut dnn = engine.dnn();
        let workspace = dnn.workspace(engine, self.workspace)? as *mut c_void;
        let size = self.workspace;
        let (image_form, filter_form, map_form, arithmetic) =
            (self.images.0, self.filters.0, self.maps.0, self.arithmetic.0);
        let read = |address: u64| address as *const c_void;
        let write = |address: u64| address as *mut c_void;
        let handle = dnn.handle;
        // SAFETY: handle and descriptors live. Callers pass addresses of as many elements as the problem's shapes have; the
        // memory is freed in stream order, after this work.
        let work = || unsafe {
            match self.algorithm {
                Algorithm::Forward(algorithm) => cudnn::convolution_forward(
                    handle,
                    alpha,
                    image_form,
                    read(images),
                    filter_form,
                    read(filters),
                    arithmetic,
                    algorithm,
                    workspace,
                    size,
                    beta,
                    map_form,
                    write(maps),
                ),
                Algorithm::Data(algorithm) => cudnn::convolution_backward_data(
                    handle,
                    alpha,
                    filter_form,
                    read(filters),
                    map_form,
                    read(maps),
                    arithmetic,
                    algorithm,
                    workspace,
                    size,
                    beta,
                    image_form,
                    write(images),
                ),
                Algorithm::Filter(algorithm) => cudnn::convolution_backward_filter(
                    handle,
                    alpha,
                    image_form,
                    read(images),
                    map_form,
                    read(maps),
                    arithmetic,
                    algorithm,
                    workspace,
                    size,
                    beta,
                    filter_form,
                    write(filters),
                ),
            }
        };
        measured(engine, self.algorithm.direction(), || work().map_err(Error::wrap))
    }
}
