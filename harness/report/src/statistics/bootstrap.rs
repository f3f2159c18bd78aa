//! Bootstrap intervals of means over images, and over seeds where there are several.

use super::{RESAMPLES, Sample, Summary, mean, strata::Strata};
use harness_record::digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Resamples that are drawn by one generator.
const BLOCK: usize = 250;
/// Draws that are kept to be used again, in all tables together: an eighth of a gigabyte.
const KEPT: usize = 1 << 26;
/// Images of a table whose draws are kept: two bytes name each.
const NAMED: usize = 1 << 16;
/// Images whose values lie in the processor's nearest cache together.
const NEAR: usize = 1 << 10;
/// Summaries that are remembered at most.
const REMEMBERED: usize = 1 << 16;

/// Gives means of images their intervals. What was drawn once for some images is used for all arms, metrics and differences
/// over the same images, and what was computed once is remembered: both in all reports of a process.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// Name and class of each image.
    images: Vec<(String, String)>,
    tables: Mutex<BTreeMap<Vec<usize>, Arc<Table>>>,
}

/// Tables by their seeds: reports on the same images share them.
static TABLES: Mutex<BTreeMap<[u8; 32], Arc<Table>>> = Mutex::new(BTreeMap::new());
/// Summaries by the digest of their table and scores: studies share arms.
static KNOWN: Mutex<BTreeMap<String, Summary>> = Mutex::new(BTreeMap::new());

/// Resamples of some of the images.
#[derive(Debug)]
struct Table {
    strata: Strata,
    /// What one draw of an image counts.
    weights: Vec<f64>,
    seed: [u8; 32],
    /// The blocks, unless there are too many draws or images to be kept.
    kept: Option<Vec<Vec<u16>>>,
}

/// A mean and its bootstrap distribution.
#[derive(Debug, Clone)]
pub(crate) struct Distribution {
    pub(crate) mean: f64,
    /// Of each resample's mean from `mean`.
    deviations: Vec<f64>,
}

impl Distribution {
    /// The 95 % interval of `self − other`, the two being independent of each other.
    ///
    /// Resamples of the same images are drawn alike, so the resample of one is held against another resample of the other, half
    /// of all away: their draws have nothing in common, whether the images are the same or not.
    pub(crate) fn minus(&self, other: &Self) -> (f64, f64) {
        let half = other.deviations.len() / 2;
        let others = other.deviations.iter().cycle().skip(half);
        let mut differences: Vec<f64> = self.deviations.iter().zip(others).map(|(own, other)| own - other).collect();
        ends(&mut differences, self.mean - other.mean)
    }
}

impl Resampler {
    /// `images` are names and classes; samples have one score for each, in this order.
    pub(crate) fn new(images: Vec<(String, String)>) -> Self {
        Self { images, tables: Mutex::default() }
    }

    /// The mean over images, after the mean over seeds, and the 2.5 % and 97.5 % points of its bootstrap distribution: images
    /// drawn within their classes and, independently, seeds (Owen, Annals of Applied Statistics 1, 2007), of both one fewer
    /// than there are. `None` if no image has a score; a single image has no spread, so its interval is itself.
    pub(crate) fn summarise(&self, sample: &Sample) -> Option<Summary> {
        let images = sample.images();
        let mean = mean(&sample.defined())?;
        let seeds = sample.seeds();
        if images.len() < 2 {
            return Some(Summary { mean, low: mean, high: mean, images: images.len(), seeds });
        }
        let table = self.table(&images);
        let question = digest_of(&table, sample, &images);
        if let Some(known) = locked(&KNOWN).get(&question) {
            return Some(*known);
        }
        // No lock is held while other threads work for this one, so none can wait for itself.
        let (low, high) = interval(&table, sample, &images, mean);
        let summary = Summary { mean, low, high, images: images.len(), seeds };
        let mut known = locked(&KNOWN);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(question, summary);
        Some(summary)
    }

    /// The interval of `mean(differences) / mean(base)`, a relative change, by the same resamples as [`Self::summarise`]: above
    /// and below a line the same images and seeds are drawn. `differences` are `to − base`. `None` where an image has no
    /// score in `base`, where there are fewer than two images, or where a resampled base is not above zero.
    pub(crate) fn relative(&self, differences: &Sample, base: &Sample) -> Option<(f64, f64)> {
        let images = differences.images();
        let base = base.like(differences)?;
        if images.len() < 2 || base.images() != images {
            return None;
        }
        let table = self.table(&images);
        let [above, below] = [differences, &base].map(|sample| resampled(&table, sample, &images, 0.0));
        if below.iter().any(|&mean| mean <= 0.0) {
            return None;
        }
        let mut ratios: Vec<f64> = above.iter().zip(&below).map(|(above, below)| above / below).collect();
        Some((quantile(&mut ratios, 0.025), quantile(&mut ratios, 0.975)))
    }

    /// The mean over images and how far the mean of each resample lies from it, as [`Resampler::summarise`] draws them. `None`
    /// if no image has a score.
    pub(crate) fn distribution(&self, sample: &Sample) -> Option<Distribution> {
        let images = sample.images();
        let mean = mean(&sample.defined())?;
        let deviations = match images.len() {
            0 | 1 => vec![0.0; RESAMPLES],
            _ => resampled(&self.table(&images), sample, &images, mean),
        };
        Some(Distribution { mean, deviations })
    }

    fn table(&self, images: &[usize]) -> Arc<Table> {
        if let Some(table) = locked(&self.tables).get(images) {
            return Arc::clone(table);
        }
        let table = Table::shared(images.iter().map(|&i| &self.images[i]));
        Arc::clone(locked(&self.tables).entry(images.to_vec()).or_insert(table))
    }
}

/// What a thread that panicked left is whole: entries are inserted as they are.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest_of(table: &Table, sample: &Sample, images: &[usize]) -> String {
    let mut bytes = table.seed.to_vec();
    for column in sample.columns() {
        for &image in images {
            bytes.extend(column[image].to_le_bytes());
        }
    }
    digest::of_bytes(&bytes)
}

/// The ends of the interval around `mean`.
fn interval(table: &Table, sample: &Sample, images: &[usize], mean: f64) -> (f64, f64) {
    ends(&mut resampled(table, sample, images, mean), mean)
}

/// The 2.5 % and 97.5 % points of `mean` and the deviations from it; reorders them.
fn ends(deviations: &mut [f64], mean: f64) -> (f64, f64) {
    (mean + quantile(deviations, 0.025), mean + quantile(deviations, 0.975))
}

/// How far the mean of each resample lies from `mean`: as what is constant then has an interval of one point, to the bit.
fn resampled(table: &Table, sample: &Sample, images: &[usize], mean: f64) -> Vec<f64> {
    let deviations = |column: &Vec<f64>| -> Vec<f64> {
        images.iter().zip(&table.weights).map(|(&i, weight)| (column[i] - mean) * weight).collect()
    };
    let columns: Vec<_> = sample.columns().iter().map(deviations).collect();
    let blocks = 0..RESAMPLES / BLOCK;
    let Some(kept) = &table.kept else {
        let means =
            |block| means_of(table, (block, &table.drawn(block)), columns.len(), |c, at| columns[c][at as usize]);
        return blocks.into_par_iter().flat_map_iter(means).collect();
    };
    let means = if images.len() <= NEAR { means_of_kept::<NEAR> } else { means_of_kept::<NAMED> };
    means(table, kept, &columns)
}

/// The mean of each resample, of at most `N` images, `N` a power of two up to [`NAMED`]. No place among so many needs to be
/// checked, which takes a third of the time.
fn means_of_kept<const N: usize>(table: &Table, kept: &[Vec<u16>], columns: &[Vec<f64>]) -> Vec<f64> {
    let mut padded = vec![0.0; N * columns.len()];
    let padded = padded.as_chunks_mut::<N>().0;
    padded.iter_mut().zip(columns).for_each(|(padded, column)| padded[..column.len()].copy_from_slice(column));
    let padded = &*padded;
    let value = |c: usize, at: u16| padded[c][usize::from(at) % N];
    let means = |(block, draws): (usize, &Vec<u16>)| means_of(table, (block, draws), columns.len(), value);
    kept.par_iter().enumerate().flat_map_iter(means).collect()
}

/// The mean of each resample of a block: over some of the seeds, the sums of `value(seed, draw)` over all draws.
fn means_of<D: Copy>(
    table: &Table,
    (block, draws): (usize, &[D]),
    seeds: usize,
    value: impl Fn(usize, D) -> f64,
) -> Vec<f64> {
    let (drawn, of_each) = (drawn_seeds(seeds), draws_of(seeds));
    let resamples = draws.chunks_exact(table.strata.total()).enumerate();
    let means = resamples.map(|(i, draws)| {
        let chosen = &drawn[(block * BLOCK + i) * of_each..][..of_each];
        chosen.iter().map(|&seed| sum_of(draws, |at| value(seed, at))).sum::<f64>() / chosen.len() as f64
    });
    means.collect()
}

/// Seeds that a resample draws of `count`: one fewer than there are, for the same reason as with images.
fn draws_of(count: usize) -> usize {
    count.saturating_sub(1).max(1)
}

/// Seeds of all resamples, as indices, resample after resample: drawn once for each number of seeds.
fn drawn_seeds(count: usize) -> Arc<Vec<usize>> {
    static DRAWN: Mutex<BTreeMap<usize, Arc<Vec<usize>>>> = Mutex::new(BTreeMap::new());
    Arc::clone(locked(&DRAWN).entry(count).or_insert_with(|| Arc::new(draw_seeds(count))))
}

fn draw_seeds(count: usize) -> Vec<usize> {
    let mut generator = ChaCha8Rng::from_seed(digest::seed(&["bootstrap", "seeds", &count.to_string()]));
    (0..RESAMPLES * draws_of(count)).map(|_| index_below(count, &mut generator)).collect()
}

/// How many of `all` draws are left beside those of `tables`. Where `needed` are more, tables that no report uses any more make way.
fn room_for(needed: usize, tables: &mut BTreeMap<[u8; 32], Arc<Table>>, all: usize) -> usize {
    let left = |tables: &BTreeMap<_, Arc<Table>>| {
        all.saturating_sub(tables.values().filter(|t| t.kept.is_some()).map(|t| t.draws()).sum())
    };
    if needed > left(tables) {
        tables.retain(|_, table| Arc::strong_count(table) > 1);
    }
    left(tables)
}

impl Table {
    /// The table of these images, which is drawn once.
    fn shared<'a>(images: impl Iterator<Item = &'a (String, String)> + Clone) -> Arc<Self> {
        let words = images.clone().flat_map(|(name, class)| [name.as_str(), class.as_str()]);
        let seed = digest::seed(&["bootstrap", "images"].into_iter().chain(words).collect::<Vec<_>>());
        let mut tables = locked(&TABLES);
        if let Some(table) = tables.get(&seed) {
            return Arc::clone(table);
        }
        let table = Self::new(images, seed);
        let room = room_for(table.draws(), &mut tables, KEPT);
        // While it is drawn other threads work for this one.
        drop(tables);
        let table = Arc::new(table.with_draws(room));
        Arc::clone(locked(&TABLES).entry(seed).or_insert(table))
    }

    fn new<'a>(images: impl Iterator<Item = &'a (String, String)>, seed: [u8; 32]) -> Self {
        let strata = Strata::new(images.map(|(_, class)| class.as_str()));
        Self { weights: strata.weights(), strata, seed, kept: None }
    }

    /// Draws, if no more than `room` draws come of it.
    fn with_draws(mut self, room: usize) -> Self {
        if self.draws() <= room && self.weights.len() <= NAMED {
            let short = |block| self.drawn(block).into_iter().map(|at| at as u16).collect();
            self.kept = Some((0..RESAMPLES / BLOCK).into_par_iter().map(short).collect());
        }
        self
    }

    fn draws(&self) -> usize {
        self.strata.total() * RESAMPLES
    }

    /// Positions of the drawn images of a block, resample after resample.
    fn drawn(&self, block: usize) -> Vec<u32> {
        let mut generator = ChaCha8Rng::from_seed(self.seed);
        generator.set_stream(block as u64);
        let mut drawn = Vec::with_capacity(BLOCK * self.strata.total());
        for _ in 0..BLOCK {
            for (members, draws) in self.strata.draws() {
                drawn.extend((0..draws).map(|_| members[index_below(members.len(), &mut generator)] as u32));
            }
        }
        drawn
    }
}

/// The sum of the values of `draws`, in four chains, as one alone would wait for each addition.
fn sum_of<D: Copy>(draws: &[D], value: impl Fn(D) -> f64) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = draws.as_chunks::<4>();
    for four in fours {
        for (sum, &at) in sums.iter_mut().zip(four) {
            *sum += value(at);
        }
    }
    let rest: f64 = rest.iter().map(|&at| value(at)).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// A number below `n`, by multiplication: its bias, below n/2^32, is far under the resampling error.
fn index_below(n: usize, generator: &mut ChaCha8Rng) -> usize {
    ((u64::from(generator.next_u32()) * n as u64) >> 32) as usize
}

/// The `q` quantile of the values, linear between neighbours; reorders them.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let at = q * (values.len() - 1) as f64;
    let (_, below, above) = values.select_nth_unstable_by(at.floor() as usize, f64::total_cmp);
    let below = *below;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    below + (at - at.floor()) * (next - below)
}

#[cfg(test)]
mod tests;
