//! `predict`: writes masks and overlays for any images.

use crate::{
    cli, device,
    failure::{Failure, Outcome},
    output::{count, say},
    progress::{Loudness, Progress},
};
use harness_images::pixels::{self, Labels, Picture};
use harness_learn::{
    metrics::Outputs,
    models::{Mode, Model, ModelSpec, normalise_tensor, read_header, save_tensors},
    train::pictures_tensor,
};
use harness_record::{files, monitor::Monitor as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Colours of pet and border in overlays (Okabe–Ito); the background is left as it is.
const TINTS: [Option<[u8; 3]>; 3] = [Some([0, 114, 178]), None, Some([230, 159, 0])];

pub(crate) fn run(options: &cli::Predict, loudness: Loudness) -> Outcome {
    let header = read_header(&options.weights).map_err(Failure::data)?;
    let spec = match (&options.model, &header) {
        (Some(text), _) => model_spec(text)?,
        (None, Some(header)) => header.model.clone(),
        (None, None) => {
            let (file, names) = (options.weights.display(), ModelSpec::NAMES.join(", "));
            return Err(Failure::Usage(format!(
                "{file} does not say which network it is: name it with --model, one of {names}"
            )));
        }
    };
    spec.check().map_err(|(field, expected)| Failure::Usage(format!("--model: {field} must be {expected}")))?;
    let size = options.size.or(header.as_ref().map(|h| h.size)).unwrap_or_else(|| spec.sizes().sides().usual);
    let normalise = options.normalise.or(header.and_then(|h| h.normalise));
    spec.check_size(size).map_err(|expected| Failure::Usage(format!("--size {size}: expected {expected}")))?;
    let stems = stems(options)?;
    let chosen = device::open(options.device)?;
    let model = Model::new(&spec, 0, &chosen.device).map_err(Failure::run)?;
    model.load(&options.weights).map_err(Failure::data)?;
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?;
    progress.begin("image", options.images.len() as u64);
    let mut logits = BTreeMap::new();
    for (path, stem) in options.images.iter().zip(&stems) {
        if progress.stopped() {
            return Err(Failure::Interrupted);
        }
        let picture = read(path)?;
        let small = pixels::resize_bilinear(&picture, size, size);
        let input = pictures_tensor(&[&small.data], size, &chosen.device).map_err(Failure::run)?;
        let input = normalise_tensor(&input, normalise).map_err(Failure::run)?;
        let out = model.forward(&input, Mode::Evaluate).map_err(Failure::run)?;
        let classes = Outputs::new(&out.channels).map_err(Failure::run)?.predictions().concat();
        write(&options.out, stem, &picture, classes, size)?;
        if options.logits.is_some() {
            logits.insert(stem.clone(), out.channels);
        }
        progress.advance(1);
    }
    progress.end();
    if let Some(path) = &options.logits {
        save_tensors(path, &logits).map_err(Failure::run)?;
    }
    say(&format!("mask and overlay of {}: {}", count(options.images.len(), "image"), options.out.display()))
}

/// Parses a network's name, or a spec's `model` section as YAML or JSON.
fn model_spec(text: &str) -> Outcome<ModelSpec> {
    let wrong = |why: String| {
        Failure::Usage(format!("--model {text}: {why}; write vqvae, segnet, linknet or '{{vqvae: {{width: 64}}}}'"))
    };
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|e| wrong(e.to_string()))?;
    let value = match value {
        serde_json::Value::String(name) => serde_json::json!({ name: {} }),
        other => other,
    };
    serde_json::from_value(value).map_err(|e| wrong(e.to_string()))
}

/// File stems of the images, which name the outputs. Two equal stems are an error: one output would overwrite the
/// other.
fn stems(options: &cli::Predict) -> Outcome<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut stems = Vec::new();
    for path in &options.images {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !seen.insert(stem.clone()) {
            return Err(Failure::Usage(format!(
                "two images are called `{stem}`: their masks would overwrite each other"
            )));
        }
        stems.push(stem);
    }
    Ok(stems)
}

fn read(path: &Path) -> Outcome<Picture> {
    let bytes = files::read(path, pixels::MAX_BYTES).map_err(Failure::data)?;
    pixels::decode(&bytes).map_err(|error| Failure::data(error).during(path.display().to_string()))
}

/// Writes `<stem>-mask.png` (class indices 0 pet, 1 background, 2 border) and `<stem>-overlay.png`, both as large as the image.
fn write(out: &Path, stem: &str, picture: &Picture, classes: Vec<u8>, size: u32) -> Outcome {
    let small = Labels { width: size, height: size, data: classes };
    let mask = pixels::resize_nearest(&small, picture.width, picture.height);
    let mut overlay = picture.data.clone();
    for (pixel, &class) in overlay.chunks_mut(3).zip(&mask.data) {
        if let Some(tint) = TINTS[usize::from(class)] {
            pixel.iter_mut().zip(tint).for_each(|(p, t)| *p = u8::midpoint(*p, t));
        }
    }
    let png = pixels::encode_grey(&mask.data, (mask.width, mask.height)).map_err(Failure::run)?;
    files::write(&out.join(format!("{stem}-mask.png")), &png)?;
    let png = pixels::encode_rgb(&overlay, (picture.width, picture.height)).map_err(Failure::run)?;
    Ok(files::write(&out.join(format!("{stem}-overlay.png")), &png)?)
}
