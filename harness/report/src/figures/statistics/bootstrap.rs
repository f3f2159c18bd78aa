//! Bootstrap intervals of means over images, and over seeds if there are several.

mod means;
mod table;

use super::{
    sample::Sample,
    summary::{Summary, mean},
};
use harness_record::digest;
use means::deviations;
use std::{
    array,
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use table::{Table, locked};

/// The maximum number of summaries that are cached.
const REMEMBERED: usize = 1 << 16;
/// The number of questions that are answered together.
const TOGETHER: usize = 4;

/// Computes intervals for means over images. Draws made for a set of images are reused for all arms, metrics and
/// differences over the same images. Computed summaries are cached. Both are shared by all reports of a process.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// The name and class of each image.
    images: Vec<(String, String)>,
    tables: Mutex<BTreeMap<Vec<usize>, Arc<Table>>>,
}

/// Cached summaries, by the digest of their table and scores. The cache is global because studies share arms.
static KNOWN: Mutex<BTreeMap<String, Summary>> = Mutex::new(BTreeMap::new());

impl Resampler {
    /// Creates a resampler. `images` are names and classes; samples have one score for each image, in this order.
    pub(crate) fn new(images: Vec<(String, String)>) -> Self {
        Self { images, tables: Mutex::default() }
    }

    /// Returns the mean over images, after the mean over seeds, and the 2.5 % and 97.5 % points of its bootstrap
    /// distribution. Each resample draws images within their classes and, independently, seeds (Owen, Annals of Applied
    /// Statistics 1, 2007); it draws one fewer of each than there are. Returns `None` if no image has a score. A single
    /// image has no spread, so both ends of its interval are its score.
    pub(crate) fn summarise(&self, sample: &Sample) -> Option<Summary> {
        self.summarise_all(&[sample]).pop()?
    }

    /// Summarises each sample with the same bits as [`Self::summarise`]; this is faster than one call for each sample.
    pub(crate) fn summarise_all(&self, samples: &[&Sample]) -> Vec<Option<Summary>> {
        let mut found = vec![None; samples.len()];
        let mut open: Vec<(usize, Question<'_>)> = Vec::new();
        for (place, sample) in samples.iter().enumerate() {
            match self.ask(sample) {
                Some(Asked::Answered(summary)) => found[place] = Some(summary),
                Some(Asked::Open(question)) => open.push((place, question)),
                None => {}
            }
        }
        open.sort_by_key(|(_, one)| one.group());
        // No lock is held during the parallel work, so no thread can wait for a lock that it holds itself.
        for group in open.chunk_by(|(_, one), (_, next)| one.group() == next.group()) {
            for some in group.chunks(TOGETHER) {
                let questions: Vec<_> = some.iter().map(|(_, question)| question).collect();
                for ((place, question), interval) in some.iter().zip(intervals(&questions)) {
                    found[*place] = Some(question.answered(interval));
                }
            }
        }
        found
    }

    /// Looks up a summary or prepares its computation. Returns `None` if no image has a score.
    fn ask<'a>(&self, sample: &'a Sample) -> Option<Asked<'a>> {
        let images = sample.images();
        let mean = mean(&sample.defined())?;
        if images.len() < 2 {
            let summary = Summary { mean, low: mean, high: mean, images: images.len(), seeds: sample.seeds() };
            return Some(Asked::Answered(summary));
        }
        let table = self.table(&images);
        let digest = digest_of(&table, sample, &images);
        if let Some(known) = locked(&KNOWN).get(&digest) {
            return Some(Asked::Answered(*known));
        }
        Some(Asked::Open(Question { sample, images, mean, table, digest }))
    }

    fn table(&self, images: &[usize]) -> Arc<Table> {
        if let Some(table) = locked(&self.tables).get(images) {
            return Arc::clone(table);
        }
        let table = Table::shared(images.iter().map(|&i| &self.images[i]));
        Arc::clone(locked(&self.tables).entry(images.to_vec()).or_insert(table))
    }
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

/// A sample whose summary is requested.
enum Asked<'a> {
    Answered(Summary),
    Open(Question<'a>),
}

/// A sample of at least two images whose interval is not known yet.
struct Question<'a> {
    sample: &'a Sample,
    images: Vec<usize>,
    mean: f64,
    table: Arc<Table>,
    digest: String,
}

impl Question<'_> {
    /// Returns what questions must share to be answered together: the draws and the number of seeds.
    fn group(&self) -> ([u8; 32], usize) {
        (self.table.seed, self.sample.columns().len())
    }

    /// Builds the summary and caches it.
    fn answered(&self, (low, high): (f64, f64)) -> Summary {
        let summary = Summary { mean: self.mean, low, high, images: self.images.len(), seeds: self.sample.seeds() };
        let mut known = locked(&KNOWN);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(self.digest.clone(), summary);
        summary
    }
}

/// Computes the intervals of up to [`TOGETHER`] questions of a group.
fn intervals(questions: &[&Question<'_>]) -> Vec<(f64, f64)> {
    match questions.len() {
        0 => Vec::new(),
        1 => intervals_of::<1>(questions),
        2 => intervals_of::<2>(questions),
        _ => intervals_of::<TOGETHER>(questions),
    }
}

/// Computes the intervals of up to `L` questions; the last question fills the unused lanes.
fn intervals_of<const L: usize>(questions: &[&Question<'_>]) -> Vec<(f64, f64)> {
    let lanes: [&Question<'_>; L] = array::from_fn(|lane| questions[lane.min(questions.len() - 1)]);
    let (table, images) = (&lanes[0].table, &lanes[0].images);
    let rows = deviations(table, lanes.map(|question| question.sample), images, lanes.map(|question| question.mean));
    let of_lane = |(lane, question): (usize, &&Question<'_>)| {
        ends(&mut rows.iter().map(|row| row[lane]).collect::<Vec<_>>(), question.mean)
    };
    questions.iter().enumerate().map(of_lane).collect()
}

/// Returns the 2.5 % and 97.5 % points, from `mean` and the deviations from it. Reorders the deviations.
fn ends(deviations: &mut [f64], mean: f64) -> (f64, f64) {
    (mean + quantile(deviations, 0.025), mean + quantile(deviations, 0.975))
}

/// Returns the `q` quantile of the values, with linear interpolation between neighbours. Reorders the values.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let at = q * (values.len() - 1) as f64;
    let (_, below, above) = values.select_nth_unstable_by(at.floor() as usize, f64::total_cmp);
    let below = *below;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    below + (at - at.floor()) * (next - below)
}

#[cfg(test)]
mod tests;
