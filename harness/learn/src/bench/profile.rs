//! Which operations of a GPU take the time.

/// The calls of an operation: a kernel, or a convolution in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The kernel's name, or the convolution's direction.
    pub name: String,
    /// Number of calls.
    pub calls: u64,
    /// Their time together on the GPU.
    pub milliseconds: f64,
}

/// Does `work` and returns the operations that it asked of GPUs, the longest first. Empty without the feature `cudnn`.
///
/// # Errors
/// Fails if `work` does.
pub fn profile<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Vec<Timed>, E> {
    #[cfg(feature = "cudnn")]
    crate::ops::start_profile();
    let result = work();
    #[cfg(feature = "cudnn")]
    let mut timed = crate::ops::stop_profile();
    #[cfg(not(feature = "cudnn"))]
    let mut timed = Vec::<Timed>::new();
    result?;
    timed.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    Ok(timed)
}
