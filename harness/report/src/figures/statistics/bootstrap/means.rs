//! Computes means of resamples for several samples of the same images at once. Each draw is looked up once for all
//! samples.

use super::table::{BLOCK, NAMED, Table, drawn_seeds, draws_of};
use crate::figures::statistics::{sample::Sample, summary::RESAMPLES};
use rayon::prelude::*;

/// The number of images whose values fit together in the processor's nearest cache.
pub(super) const NEAR: usize = 1 << 10;

/// The values of one image in `L` samples.
type Row<const L: usize> = [f64; L];

/// Returns the deviation of each resample's means from `means`. Summing deviations gives a constant sample an interval
/// of one point, to the bit. The samples have scores of `images` under the same number of seeds. Each sample is summed
/// on its own, so the samples beside it do not change any bit.
pub(super) fn deviations<const L: usize>(
    table: &Table,
    samples: [&Sample; L],
    images: &[usize],
    means: Row<L>,
) -> Vec<Row<L>> {
    let row = |seed: usize, image: usize, weight: f64| -> Row<L> {
        std::array::from_fn(|lane| (samples[lane].columns()[seed][image] - means[lane]) * weight)
    };
    let column =
        |seed| images.iter().zip(&table.weights).map(move |(&image, weight)| row(seed, image, *weight)).collect();
    let columns: Vec<Vec<Row<L>>> = (0..samples.map(|sample| sample.columns().len())[0]).map(column).collect();
    let blocks = 0..RESAMPLES / BLOCK;
    let Some(kept) = &table.kept else {
        let of_block = |block| {
            of_block(table, (block, &table.drawn(block)), columns.len(), |seed, at| &columns[seed][at as usize])
        };
        return blocks.into_par_iter().flat_map_iter(of_block).collect();
    };
    let of_kept = if images.len() <= NEAR { of_kept::<NEAR, L> } else { of_kept::<NAMED, L> };
    of_kept(table, kept, &columns)
}

/// Computes the means of each resample for at most `N` images, where `N` is a power of two up to [`NAMED`]. With this
/// limit no index needs a bounds check; the checks take a third of the time.
fn of_kept<const N: usize, const L: usize>(table: &Table, kept: &[Vec<u16>], columns: &[Vec<Row<L>>]) -> Vec<Row<L>> {
    let mut padded = vec![[0.0; L]; N * columns.len()];
    let padded = padded.as_chunks_mut::<N>().0;
    padded.iter_mut().zip(columns).for_each(|(padded, column)| padded[..column.len()].copy_from_slice(column));
    let padded = &*padded;
    let row = |seed: usize, at: u16| &padded[seed][usize::from(at) % N];
    let of_block = |(block, draws): (usize, &Vec<u16>)| of_block(table, (block, draws), columns.len(), row);
    kept.par_iter().enumerate().flat_map_iter(of_block).collect()
}

/// Computes the means of each resample of a block: over some of the seeds, the sums of `row(seed, draw)` over all
/// draws.
fn of_block<'a, D: Copy, const L: usize>(
    table: &Table,
    (block, draws): (usize, &[D]),
    seeds: usize,
    row: impl Fn(usize, D) -> &'a Row<L>,
) -> Vec<Row<L>> {
    let (drawn, of_each) = (drawn_seeds(seeds), draws_of(seeds));
    let resamples = draws.chunks_exact(table.strata.total()).enumerate();
    let means = resamples.map(|(i, draws)| {
        let chosen = &drawn[(block * BLOCK + i) * of_each..][..of_each];
        let sums = chosen.iter().map(|&seed| sum_of(draws, |at| row(seed, at)));
        sums.fold([0.0; L], |all, sum| plus(all, &sum)).map(|sum| sum / of_each as f64)
    });
    means.collect()
}

/// Sums the rows of `draws` in four chains. In a single chain each addition would wait for the one before.
fn sum_of<'a, D: Copy, const L: usize>(draws: &[D], row: impl Fn(D) -> &'a Row<L>) -> Row<L> {
    let mut sums = [[0.0; L]; 4];
    let (fours, rest) = draws.as_chunks::<4>();
    for four in fours {
        for (sum, &at) in sums.iter_mut().zip(four) {
            *sum = plus(*sum, row(at));
        }
    }
    let rest = rest.iter().fold([0.0; L], |sum, &at| plus(sum, row(at)));
    let [a, b, c, d] = sums;
    plus(plus(plus(a, &b), &plus(c, &d)), &rest)
}

fn plus<const L: usize>(a: Row<L>, b: &Row<L>) -> Row<L> {
    std::array::from_fn(|lane| a[lane] + b[lane])
}
