//! `evaluate`: computes every hard metric of masks from any source against the true ones.

pub(crate) mod encoding;
mod listed;
mod pairs;

use crate::{
    cli,
    failure::{Failure, Outcome},
    output::{count, say, say_json, table},
    progress::{Loudness, Progress},
};
use encoding::{Encoding, Joint, Mask};
use harness_images::pixels;
use harness_record::{
    files,
    metrics::{Confusion, Formula, METRICS},
    monitor::Monitor as _,
};
use listed::listed;
use pairs::Pair;
use rayon::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::{Map, Value, json};
use std::path::Path;

pub(crate) fn run(options: &cli::Evaluate, loudness: Loudness) -> Outcome {
    let pairs = pairs::find(&options.pred, &options.truth)?;
    let counted = count_all(&pairs, &Progress::new(loudness))?;
    let predicted: Vec<_> =
        pairs.iter().zip(&counted).map(|(pair, joint)| (&*pair.prediction, joint.predicted())).collect();
    let pred = encoding::of_folder(&options.pred, &predicted, options.pred_encoding, "--pred-encoding")?;
    let true_ones: Vec<_> = pairs.iter().zip(&counted).map(|(pair, joint)| (&*pair.truth, joint.truth())).collect();
    let truth = encoding::of_folder(&options.truth, &true_ones, options.truth_encoding, "--truth-encoding")?;
    let rows: Vec<Row> =
        pairs.iter().zip(&counted).map(|(pair, joint)| Row::new(pair, &joint.confusion(truth, pred))).collect();
    harness_record::table::write(&options.out, &rows)?;
    let means = means(&rows);
    if options.json {
        return say_json(&as_json(&means, rows.len(), [pred, truth], &options.out));
    }
    let mut cells = vec![["metric", "mean", "images"].map(str::to_owned).to_vec()];
    cells.extend(means.iter().map(|mean| {
        let value = mean.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
        vec![mean.metric.to_owned(), value, mean.images.to_string()]
    }));
    say(&table(&cells))?;
    say(&format!(
        "\n{}: {pred} compared with {truth}; one row per image: {}",
        count(rows.len(), "image"),
        options.out.display()
    ))
}

/// Counts the pixels of every pair by the codes in its two files. All problems with any of them are reported at once.
fn count_all(pairs: &[Pair], progress: &Progress) -> Outcome<Vec<Joint>> {
    progress.begin("image", pairs.len() as u64);
    let counted: Vec<Result<Joint, Vec<String>>> = pairs
        .par_iter()
        .map(|pair| {
            let counted = count_pair(pair);
            progress.advance(1);
            counted
        })
        .collect();
    progress.end();
    let (mut joints, mut problems, mut images) = (Vec::new(), Vec::new(), 0);
    for one in counted {
        match one {
            Ok(joint) => joints.push(joint),
            Err(more) => {
                problems.extend(more);
                images += 1;
            }
        }
    }
    if problems.is_empty() {
        return Ok(joints);
    }
    let head = format!("{} of {} cannot be evaluated:", images, count(pairs.len(), "image"));
    Err(Failure::data(listed(&head, &problems)))
}

fn count_pair(pair: &Pair) -> Result<Joint, Vec<String>> {
    match (read(&pair.truth), read(&pair.prediction)) {
        (Ok(truth), Ok(prediction)) if truth.size == prediction.size => Ok(Joint::of(&truth, &prediction)),
        (Ok(truth), Ok(prediction)) => {
            let of = |mask: &Mask| format!("{} × {} pixels", mask.size.0, mask.size.1);
            let (file, other) = (pair.prediction.display(), pair.truth.display());
            Err(vec![format!("{file} has {}, {other} {}", of(&prediction), of(&truth))])
        }
        (truth, prediction) => Err([truth.err(), prediction.err()].into_iter().flatten().collect()),
    }
}

fn read(path: &Path) -> Result<Mask, String> {
    // The error of an unreadable file names the file.
    let bytes = files::read(path, pixels::MAX_BYTES).map_err(|error| error.to_string())?;
    Mask::decode(&bytes).map_err(|why| format!("{}: {why}", path.display()))
}

/// The metrics of masks: their names here, and how to compute them from the counts of an image. The means over classes
/// have longer names than in a study, because readers of this output do not have a study's columns beside it.
fn metrics() -> impl Iterator<Item = (&'static str, fn(&Confusion) -> Option<f64>)> {
    METRICS.iter().filter_map(|metric| {
        let name = match metric.name {
            "dice" => "dice_macro",
            "iou" => "iou_macro",
            name => name,
        };
        if let Formula::Image(formula) = metric.formula { Some((name, formula)) } else { None }
    })
}

/// A row of the CSV file: the image, its two files, and the value of every metric. An undefined value is an empty cell.
struct Row {
    image: String,
    prediction: String,
    truth: String,
    values: Vec<Option<f64>>,
}

impl Row {
    fn new(pair: &Pair, masks: &Confusion) -> Self {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            image: pair.image.clone(),
            prediction: name(&pair.prediction),
            truth: name(&pair.truth),
            values: metrics().map(|(_, formula)| formula(masks)).collect(),
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 3 + self.values.len())?;
        row.serialize_field("image", &self.image)?;
        row.serialize_field("prediction", &self.prediction)?;
        row.serialize_field("truth", &self.truth)?;
        for ((name, _), value) in metrics().zip(&self.values) {
            row.serialize_field(name, value)?;
        }
        row.end()
    }
}

/// Mean of a metric over the images for which it is defined.
struct Mean {
    metric: &'static str,
    value: Option<f64>,
    images: usize,
}

fn means(rows: &[Row]) -> Vec<Mean> {
    let mean = |(i, (metric, _)): (usize, (&'static str, _))| {
        let values: Vec<f64> = rows.iter().filter_map(|row| row.values[i]).collect();
        let value = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Mean { metric, value, images: values.len() }
    };
    metrics().enumerate().map(mean).collect()
}

fn as_json(means: &[Mean], images: usize, [pred, truth]: [Encoding; 2], out: &Path) -> Value {
    let mut all = Map::new();
    all.insert("images".to_owned(), json!(images));
    all.extend(means.iter().map(|mean| (mean.metric.to_owned(), json!(mean.value))));
    let defined: Map<_, _> = means.iter().map(|mean| (mean.metric.to_owned(), json!(mean.images))).collect();
    all.insert("images_defined".to_owned(), Value::Object(defined));
    all.insert("pred_encoding".to_owned(), json!(pred.name()));
    all.insert("truth_encoding".to_owned(), json!(truth.name()));
    all.insert("per_image".to_owned(), json!(out.display().to_string()));
    Value::Object(all)
}
