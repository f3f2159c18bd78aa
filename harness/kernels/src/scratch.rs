//! Memory for intermediate values, kept for the next kernel: a training step asks for the same sizes again and again, and fresh
//! pages cost as much as a pass over them.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// The largest number of elements that is kept; the rest is returned to the system.
const KEPT: usize = 1 << 26;

static POOL: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Elements that still hold the values of their previous user.
pub(crate) struct Scratch {
    /// At least as many elements as requested: initialised elements stay initialised for a larger use after a smaller one.
    values: Vec<f32>,
    length: usize,
}

impl Scratch {
    /// `length` elements with arbitrary values.
    pub(crate) fn new(length: usize) -> Self {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough, else the largest, which will grow.
        let fits = (0..pool.len()).filter(|&i| pool[i].len() >= length).min_by_key(|&i| pool[i].len());
        let found = fits.or_else(|| (0..pool.len()).max_by_key(|&i| pool[i].len()));
        let mut values = found.map(|i| pool.swap_remove(i)).unwrap_or_default();
        drop(pool);
        if values.len() < length {
            values = vec![0.0; length]; // the old values need not be copied
        }
        Self { values, length }
    }

    /// Lets several tasks write at once, each to its own elements. The target must not outlive the scratch.
    pub(crate) fn target(&mut self) -> Target {
        Target { start: self.values.as_mut_ptr(), length: self.length }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.length]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.length]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = pool.iter().map(Vec::len).sum();
        if held + self.values.len() <= KEPT {
            pool.push(std::mem::take(&mut self.values));
        }
    }
}

/// A result that several tasks write at once, each to its own elements.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    start: *mut f32,
    length: usize,
}

// SAFETY: a `Target` gives no access by itself; whoever writes promises to be the only one at that place.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// # Safety
    /// The place lies within the result, and nobody else reads or writes it at the same time.
    #[inline(always)]
    pub(crate) unsafe fn at(self, place: usize) -> *mut f32 {
        debug_assert!(place < self.length);
        // SAFETY: the caller's promise.
        unsafe { self.start.add(place) }
    }
}

/// A result of `length` elements; `write` writes all of them.
///
/// # Safety
/// `write` leaves no element unwritten.
pub(crate) unsafe fn written(length: usize, write: impl FnOnce(Target)) -> Vec<f32> {
    let mut values = Vec::with_capacity(length);
    write(Target { start: values.as_mut_ptr(), length });
    // SAFETY: the capacity is sufficient, and the caller promises that every element has been written.
    unsafe { values.set_len(length) };
    values
}
