//! Processes images `[B, C, H, W]` channel by channel, each channel on one thread.

use crate::output::CHUNK;

/// The planes of a channel in all images.
pub(crate) struct Planes<'a, 'b, T> {
    images: &'a mut [&'b mut [T]],
    at: usize,
    pixels: usize,
}

impl<T> Planes<'_, '_, T> {
    /// The plane in image `image`.
    pub(crate) fn of(&mut self, image: usize) -> &mut [T] {
        &mut self.images[image][self.at..self.at + self.pixels]
    }
}

/// Calls `work(channel, its planes in out, its result)` for each channel of `out`. Small channels are grouped into tasks. `out`
/// may be empty: then only results are made, and `batch` indicates the amount of work.
pub(crate) fn for_each_channel<T: Send, R: Send>(
    out: &mut [T],
    results: &mut [R],
    (batch, pixels): (usize, usize),
    work: &(impl Fn(usize, Planes<T>, &mut R) + Sync),
) {
    let size = (results.len() * pixels).max(1);
    let together = (CHUNK / (batch * pixels).max(1)).max(1);
    divide(out.chunks_mut(size).collect(), results, Task { first: 0, pixels, together }, work);
}

#[derive(Clone, Copy)]
struct Task {
    first: usize,
    pixels: usize,
    together: usize,
}

/// Halves the channels until few enough are left for one task.
fn divide<T: Send, R: Send>(
    mut images: Vec<&mut [T]>,
    results: &mut [R],
    task: Task,
    work: &(impl Fn(usize, Planes<T>, &mut R) + Sync),
) {
    let Task { first, pixels, together } = task;
    if results.len() <= together {
        for (c, result) in results.iter_mut().enumerate() {
            work(first + c, Planes { images: &mut images, at: c * pixels, pixels }, result);
        }
        return;
    }
    let half = results.len() / 2;
    let (left_results, right_results) = results.split_at_mut(half);
    let (left, right) = images.into_iter().map(|image| image.split_at_mut(half * pixels)).unzip();
    rayon::join(
        || divide(left, left_results, task, work),
        || divide(right, right_results, Task { first: first + half, ..task }, work),
    );
}
