//! The images and seeds that each resample draws.

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

/// The number of resamples drawn by one generator.
pub(super) const BLOCK: usize = 250;
/// The maximum number of draws kept for reuse, in all tables together: an eighth of a gigabyte.
pub(super) const KEPT: usize = 1 << 26;
/// The maximum number of images in a table whose draws are kept: an index has two bytes.
pub(super) const NAMED: usize = 1 << 16;

/// Tables by their seeds. Reports on the same images share them.
static TABLES: Mutex<BTreeMap<[u8; 32], Arc<Table>>> = Mutex::new(BTreeMap::new());

/// Resamples of some of the images.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) strata: Strata,
    /// The weight of one draw of each image.
    pub(super) weights: Vec<f64>,
    pub(super) seed: [u8; 32],
    /// The draws of each block; `None` if there are too many draws or images to keep.
    pub(super) kept: Option<Vec<Vec<u16>>>,
}

/// Returns how many of `all` draws are left after those that `tables` keep. If `needed` is larger, tables that no
/// report uses any more are dropped first.
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
    /// Returns the table of these images; it is drawn once.
    pub(super) fn shared<'a>(images: impl Iterator<Item = &'a (String, String)> + Clone) -> Arc<Self> {
        let words = images.clone().flat_map(|(name, class)| [name.as_str(), class.as_str()]);
        let seed = digest::seed(&["bootstrap", "images"].into_iter().chain(words).collect::<Vec<_>>());
        let mut tables = locked(&TABLES);
        if let Some(table) = tables.get(&seed) {
            return Arc::clone(table);
        }
        let table = Self::new(images, seed);
        let room = room_for(table.draws(), &mut tables, KEPT);
        // The lock is released first, because drawing runs in parallel on other threads.
        drop(tables);
        let table = Arc::new(table.with_draws(room));
        Arc::clone(locked(&TABLES).entry(seed).or_insert(table))
    }

    pub(super) fn new<'a>(images: impl Iterator<Item = &'a (String, String)>, seed: [u8; 32]) -> Self {
        let strata = Strata::new(images.map(|(_, class)| class.as_str()));
        Self { weights: strata.weights(), strata, seed, kept: None }
    }

    /// Draws and keeps the resamples, if they need at most `room` draws.
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

    /// Returns the positions of the drawn images of a block, resample after resample.
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

/// Returns the number of seeds that a resample draws from `count`: one fewer, for the same reason as with images.
pub(super) fn draws_of(count: usize) -> usize {
    count.saturating_sub(1).max(1)
}

/// Returns the seeds of all resamples as indices, resample after resample. They are drawn once for each number of
/// seeds.
pub(super) fn drawn_seeds(count: usize) -> Arc<Vec<usize>> {
    static DRAWN: Mutex<BTreeMap<usize, Arc<Vec<usize>>>> = Mutex::new(BTreeMap::new());
    Arc::clone(locked(&DRAWN).entry(count).or_insert_with(|| Arc::new(draw_seeds(count))))
}

fn draw_seeds(count: usize) -> Vec<usize> {
    let mut generator = ChaCha8Rng::from_seed(digest::seed(&["bootstrap", "seeds", &count.to_string()]));
    (0..RESAMPLES * draws_of(count)).map(|_| index_below(count, &mut generator)).collect()
}

/// Returns a random number below `n`, by multiplication. Its bias, below n/2^32, is far smaller than the resampling
/// error.
fn index_below(n: usize, generator: &mut ChaCha8Rng) -> usize {
    ((u64::from(generator.next_u32()) * n as u64) >> 32) as usize
}

/// Locks a mutex, even after another thread panicked. The map is still valid, because entries are inserted whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
