//! Sections on parts of the test set: by species, by breed, and the images with the worst and the best scores.

use crate::{
    figures::{
        data::Data,
        metrics::{Metric, is_over_batches},
        statistics::{sample::Sample, summary::CONFIDENCE},
    },
    inputs::{lines::Rows, study::ArmInput},
    links::linked,
    markdown::{Align, NONE, Table, count, ends, escape, number, words},
};
use harness_record::{
    metrics::Direction,
    vocabulary::{Protocol, Species},
};
use std::collections::BTreeMap;

/// The number of images listed at each end.
const LISTED: usize = 5;

/// Returns the arms that were tested under a protocol, with a score for each image under the first condition. Arms
/// whose metric is a mean over batches have no such scores and are left out.
fn tested<'a>(data: &'a Data, metric: &Metric, protocol: Protocol) -> Vec<(&'a ArmInput, Sample)> {
    let arms = data.study.arms.iter().filter(|arm| !is_over_batches(data.column(&arm.name, metric, protocol)));
    let sample = |arm: &str| data.scores.sample(arm, data.first_condition(), metric, protocol);
    arms.filter_map(|arm| Some((arm, sample(&arm.name)?))).collect()
}

/// Returns a caption's subject, `soft Dice under the published protocol`, with the condition in brackets if there are
/// several. A word or a colon may follow.
fn subject(data: &Data, metric: &Metric, protocol: Protocol) -> String {
    format!("{} under the {protocol} protocol{}", metric.in_words(protocol), data.first_in_brackets())
}

/// Returns means and intervals of each arm over the test images of cats and of dogs; empty if species are unknown.
pub(crate) fn by_species(data: &Data, metric: &Metric, protocol: Protocol) -> String {
    let arms = tested(data, metric, protocol);
    let of = |species: Species| {
        let is_one = move |image: usize| Species::of_breed(&data.scores.breeds()[image]) == Some(species);
        let samples: Vec<_> = arms.iter().map(|(_, sample)| sample.clone().only(is_one)).collect();
        data.scores.summarise_all(&samples.iter().collect::<Vec<_>>())
    };
    let found = [of(Species::Cat), of(Species::Dog)];
    if found.iter().flatten().all(Option::is_none) {
        return String::new();
    }
    let heads = ["cats", "dogs"].map(|species| {
        [format!("Mean, {species}"), format!("{CONFIDENCE} interval, {species}"), format!("Images, {species}")]
    });
    let heads = heads.concat().into_iter().map(|head| (head, Align::Right));
    let mut table = Table::new([("Arm".to_owned(), Align::Left)].into_iter().chain(heads));
    for (i, (arm, _)) in arms.iter().enumerate() {
        let rows = data.scores.rows(&arm.name, data.first_condition(), protocol);
        let linked = |text: &str| linked(text, &rows);
        let cells = found.iter().flat_map(|of_species| match of_species[i] {
            Some(s) => [linked(&number(s.mean)), linked(&ends((s.low, s.high))), linked(&count(s.images as u64))],
            None => [NONE; 3].map(str::to_owned),
        });
        table.rows.push(std::iter::once(escape(&arm.label)).chain(cells).collect());
    }
    table.captioned(&format!(
        "{} by species: means over the test images of each species",
        subject(data, metric, protocol)
    ))
}

/// Returns means of each arm over the test images of each breed, worst breed first; empty if there are fewer than two
/// breeds.
pub(crate) fn by_breed(data: &Data, metric: &Metric, protocol: Protocol) -> String {
    let arms = tested(data, metric, protocol);
    let scores: Vec<_> = arms.iter().map(|(_, sample)| sample.means()).collect();
    let mut of_breeds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for image in shared(data, &scores) {
        of_breeds.entry(&data.scores.breeds()[image]).or_default().push(image);
    }
    of_breeds.remove("");
    if of_breeds.len() < 2 || arms.is_empty() {
        return String::new();
    }
    let rows_of = |(arm, _): &(&ArmInput, Sample)| data.scores.rows(&arm.name, data.first_condition(), protocol);
    let traced: Vec<_> = arms.iter().map(rows_of).collect();
    let row = |(breed, images): (&&str, &Vec<usize>)| {
        let mean = |scores: &Vec<f64>| images.iter().map(|&i| scores[i]).sum::<f64>() / images.len() as f64;
        let of_arms = scores.iter().zip(&traced).map(|(scores, rows)| (mean(scores), rows.clone()));
        let number = linked(&count(images.len() as u64), &traced[0]);
        Row::new(&words(breed), number, &of_arms.collect::<Vec<_>>())
    };
    let mut rows: Vec<Row> = of_breeds.iter().map(row).collect();
    rows.sort_by(|a, b| worse_first(metric, a.overall, b.overall));
    let caption =
        format!("{} by breed, the breed with the worst {} first", subject(data, metric, protocol), overall(&arms));
    table([("Breed", Align::Left), ("Images", Align::Right)], &arms, rows).captioned(&caption)
}

/// Lists the five images with the worst mean over arms and the five with the best, under the first seed.
pub(crate) fn extremes(data: &Data, metric: &Metric, protocol: Protocol) -> String {
    let arms = tested(data, metric, protocol);
    let scores: Vec<_> = arms.iter().map(|(_, sample)| sample.first().unwrap_or_default().to_vec()).collect();
    let row = |image: usize| {
        let breed = &data.scores.breeds()[image];
        let breed = if breed.is_empty() { NONE.to_owned() } else { escape(&words(breed)) };
        let row = |arm: &str| data.scores.row_of(image, arm, data.first_condition(), protocol);
        let of_arms = arms.iter().zip(&scores);
        let of_arms = of_arms.map(|((arm, _), scores)| (scores[image], row(&arm.name).into_iter().collect()));
        Row::new(&data.scores.images()[image], breed, &of_arms.collect::<Vec<_>>())
    };
    let mut rows: Vec<Row> = shared(data, &scores).into_iter().map(row).collect();
    if arms.is_empty() || rows.is_empty() {
        return String::new();
    }
    // The sort is stable, so ties stay in the order of the images.
    rows.sort_by(|a, b| worse_first(metric, a.overall, b.overall));
    let all = count(rows.len() as u64);
    let listed = LISTED.min(rows.len() / 2).max(1);
    let best: Vec<_> = rows.iter().rev().take(listed).cloned().collect();
    rows.truncate(listed);
    let both = [("worst", rows), ("best", best)].map(|(which, rows)| {
        let caption = format!(
            "{}: the {listed} of {all} images with the {which} {}",
            subject(data, metric, protocol),
            overall(&arms)
        );
        table([("Image", Align::Left), ("Breed", Align::Left)], &arms, rows).captioned(&caption)
    });
    both.join("\n")
}

/// Returns the images that every arm has a score for. Means over different images or arms could not be compared.
fn shared(data: &Data, scores: &[Vec<f64>]) -> Vec<usize> {
    (0..data.scores.images().len()).filter(|&image| scores.iter().all(|scores| !scores[image].is_nan())).collect()
}

/// Names the value that rows are sorted by.
fn overall(arms: &[(&ArmInput, Sample)]) -> &'static str {
    if arms.len() == 1 { "score" } else { "mean over arms" }
}

fn table(heads: [(&str, Align); 2], arms: &[(&ArmInput, Sample)], rows: Vec<Row>) -> Table {
    let of_arms = arms.iter().map(|(arm, _)| (escape(&arm.label), Align::Right));
    let mut table = Table::new(heads.map(|(head, align)| (head.to_owned(), align)).into_iter().chain(of_arms));
    table.rows = rows.into_iter().map(|row| row.cells).collect();
    table
}

fn worse_first(metric: &Metric, a: f64, b: f64) -> std::cmp::Ordering {
    match metric.direction {
        Direction::Higher => a.total_cmp(&b),
        Direction::Lower => b.total_cmp(&a),
    }
}

/// The row of a breed or an image: its name, the second cell and a score for each arm, and the mean over arms.
#[derive(Debug, Clone)]
struct Row {
    cells: Vec<String>,
    overall: f64,
}

impl Row {
    /// Creates a row. `scores` holds one score for each arm, with the rows that it comes from.
    fn new(name: &str, detail: String, scores: &[(f64, Vec<Rows>)]) -> Self {
        let figures = scores.iter().map(|(score, rows)| linked(&number(*score), rows));
        let cells = [escape(name), detail].into_iter().chain(figures);
        Self {
            cells: cells.collect(),
            overall: scores.iter().map(|(score, _)| score).sum::<f64>() / scores.len() as f64,
        }
    }
}
