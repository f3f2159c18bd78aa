//! Results that several threads write in pieces, without filling them with zeros first.

use rayon::prelude::*;
use std::{mem::MaybeUninit, ops::Range};

/// Number of elements per task: large enough to be worth a task, small enough to stay in a core's cache.
pub(crate) const CHUNK: usize = 1 << 14;

/// A vector of `length` elements; `fill(index, chunk)` writes each chunk of `chunk` elements. A single chunk stays on the
/// calling thread.
///
/// # Safety
/// `fill` writes every element of every chunk.
pub(crate) unsafe fn filled<T: Send>(
    length: usize,
    chunk: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let mut out = Vec::with_capacity(length);
    let places = &mut out.spare_capacity_mut()[..length];
    if length <= chunk {
        if length > 0 {
            fill(0, places);
        }
    } else {
        places.par_chunks_mut(chunk).enumerate().for_each(|(index, places)| fill(index, places));
    }
    // SAFETY: the chunks are the whole vector, and the caller promises that they were written.
    unsafe { out.set_len(length) };
    out
}

/// Fills two vectors at once: calls `fill(index, chunk of the first, chunk of the second)`.
///
/// # Safety
/// `fill` writes every element of every pair of chunks.
pub(crate) unsafe fn filled_pair<T: Send, U: Send>(
    length: usize,
    chunk: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>], &mut [MaybeUninit<U>]) + Sync,
) -> (Vec<T>, Vec<U>) {
    let (mut first, mut second) = (Vec::with_capacity(length), Vec::with_capacity(length));
    let places = (&mut first.spare_capacity_mut()[..length], &mut second.spare_capacity_mut()[..length]);
    if length <= chunk {
        if length > 0 {
            fill(0, places.0, places.1);
        }
    } else {
        let chunks = places.0.par_chunks_mut(chunk).zip(places.1.par_chunks_mut(chunk)).enumerate();
        chunks.for_each(|(index, (first, second))| fill(index, first, second));
    }
    // SAFETY: the chunks are the whole vectors, and the caller promises that they were written.
    unsafe {
        first.set_len(length);
        second.set_len(length);
    }
    (first, second)
}

/// Calls `piece` for every [`CHUNK`] of `length` elements and returns the results in order. Sums of equal pieces have the same
/// bits for any number of threads.
pub(crate) fn pieces<R: Send>(length: usize, piece: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let count = length.div_ceil(CHUNK);
    let piece = |i: usize| piece(i * CHUNK..length.min((i + 1) * CHUNK));
    if count <= 1 { (0..count).map(piece).collect() } else { (0..count).into_par_iter().map(piece).collect() }
}

/// Number of planes of `pixels` elements per task.
pub(crate) fn planes_together(pixels: usize) -> usize {
    (CHUNK / pixels.max(1)).max(1)
}
