//! Which images, and which seeds, each resample draws.

use crate::figures::statistics::{strata::Strata, summary::RESAMPLES};
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
pub(super) const BLOCK: usize = 250;
/// Draws that are kept to be used again, in all tables together: an eighth of a gigabyte.
pub(super) const KEPT: usize = 1 << 26;
/// Images of a table whose draws are kept: two bytes name each.
pub(super) const NAMED: usize = 1 << 16;

/// Tables by their seeds: reports on the same images share them.
static TABLES: Mutex<BTreeMap<[u8; 32], Arc<Table>>> = Mutex::new(BTreeMap::new());

/// Resamples of some of the images.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) strata: Strata,
    /// What one draw of an image counts.
    pub(super) weights: Vec<f64>,
    pub(super) seed: [u8; 32],
    /// The blocks, unless there are too many draws or images to be kept.
    pub(super) kept: Option<Vec<Vec<u16>>>,
}

/// How many of `all` draws are left beside those of `tables`. Where `needed` are more, tables that no report uses any more make way.
pub(super) fn room_for(needed: usize, tables: &mut BTreeMap<[u8; 32], Arc<Table>>, all: usize) -> usize {
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
    pub(super) fn shared<'a>(images: impl Iterator<Item = &'a (String, String)> + Clone) -> Arc<Self> {
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

    pub(super) fn new<'a>(images: impl Iterator<Item = &'a (String, String)>, seed: [u8; 32]) -> Self {
        let strata = Strata::new(images.map(|(_, class)| class.as_str()));
        Self { weights: strata.weights(), strata, seed, kept: None }
    }

    /// Draws, if no more than `room` draws come of it.
    pub(super) fn with_draws(mut self, room: usize) -> Self {
        if self.draws() <= room && self.weights.len() <= NAMED {
            let short = |block| self.drawn(block).into_iter().map(|at| at as u16).collect();
            self.kept = Some((0..RESAMPLES / BLOCK).into_par_iter().map(short).collect());
        }
        self
    }

    pub(super) fn draws(&self) -> usize {
        self.strata.total() * RESAMPLES
    }

    /// Positions of the drawn images of a block, resample after resample.
    pub(super) fn drawn(&self, block: usize) -> Vec<u32> {
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

/// Seeds that a resample draws of `count`: one fewer than there are, for the same reason as with images.
pub(super) fn draws_of(count: usize) -> usize {
    count.saturating_sub(1).max(1)
}

/// Seeds of all resamples, as indices, resample after resample: drawn once for each number of seeds.
pub(super) fn drawn_seeds(count: usize) -> Arc<Vec<usize>> {
    static DRAWN: Mutex<BTreeMap<usize, Arc<Vec<usize>>>> = Mutex::new(BTreeMap::new());
    Arc::clone(locked(&DRAWN).entry(count).or_insert_with(|| Arc::new(draw_seeds(count))))
}

fn draw_seeds(count: usize) -> Vec<usize> {
    let mut generator = ChaCha8Rng::from_seed(digest::seed(&["bootstrap", "seeds", &count.to_string()]));
    (0..RESAMPLES * draws_of(count)).map(|_| index_below(count, &mut generator)).collect()
}

/// A number below `n`, by multiplication: its bias, below n/2^32, is far under the resampling error.
fn index_below(n: usize, generator: &mut ChaCha8Rng) -> usize {
    ((u64::from(generator.next_u32()) * n as u64) >> 32) as usize
}

/// What a thread that panicked left is whole: entries are inserted as they are.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
