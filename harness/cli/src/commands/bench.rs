//! `bench`: measures how fast this machine trains and reads pictures.

use crate::{
    cli, device,
    failure::{Failure, Outcome},
    output::{say, table},
    progress::{Loudness, Progress},
    threads::use_threads,
};
use harness_learn::{
    bench::{self, median},
    models::ModelSpec,
    ops,
    precision::Precision,
};
use harness_study::spec::diagnosis::printable;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The fields to print, in this order.
struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// `bench train-step`.
pub(crate) fn train_step(options: &cli::TrainStep) -> Outcome {
    use_threads(options.threads)?;
    let spec = model_spec(options)?;
    let chosen = device::open(options.device)?;
    for precision in &options.precision {
        precision.check(&chosen.device).map_err(|e| Failure::Usage(format!("--precision {precision}: {e}")))?;
    }
    if options.profile && !chosen.device.is_cuda() {
        return Err(Failure::Usage("--profile: only a GPU's operations are timed; use it with --device cuda".into()));
    }
    let work = bench::TrainStep {
        model: &spec,
        batch: options.batch as usize,
        size: options.size as usize,
        warmup: options.warmup as usize,
        steps: options.steps as usize,
    };
    let time = |precision: Precision| {
        precision.apply(&chosen.device).map_err(|e| Failure::Usage(format!("--precision {precision}: {e}")))?;
        // The step runs on rayon's pool, as in a study.
        rayon::scope(|_| bench::train_step(&work, &chosen.device)).map_err(Failure::run)
    };
    let mut all: Vec<Option<bench::StepTimes>> = vec![None; options.precision.len()];
    for _ in 0..options.rounds {
        for (&precision, all) in options.precision.iter().zip(&mut all) {
            let new = time(precision)?;
            match all {
                Some(all) => all.seconds.extend(new.seconds),
                None => *all = Some(new),
            }
        }
    }
    for (precision, times) in options.precision.iter().zip(all.iter().flatten()) {
        fields(options, &spec, &chosen.name, *precision, times).print(options.json)?;
        if options.profile {
            let profile = bench::profile(|| time(*precision).map(drop))?;
            say(&shares(&profile, options.warmup + options.steps))?;
            let ours = |line: &String| line.contains(&format!(", {precision}"));
            say(&ops::chosen_algorithms().into_iter().filter(ours).collect::<Vec<_>>().join("\n"))?;
        }
    }
    Ok(())
}

/// The fields have the same names as in `reference/train_step.py`.
fn fields(
    options: &cli::TrainStep,
    spec: &ModelSpec,
    device: &str,
    precision: Precision,
    times: &bench::StepTimes,
) -> Fields {
    let step = median(&times.seconds);
    let fastest = times.seconds.iter().copied().fold(f64::INFINITY, f64::min);
    Fields(vec![
        ("engine", engine()),
        ("model", spec.name().into()),
        ("batch", options.batch.into()),
        ("size", options.size.into()),
        ("device", device.into()),
        ("precision", precision.name().into()),
        ("images_per_s", rounded(f64::from(options.batch) / step, 2)),
        ("step_ms", rounded(step * 1e3, 2)),
        ("step_ms_min", rounded(fastest * 1e3, 2)),
        ("peak_rss_mib", peak_rss_mib().into()),
        ("parameters", times.parameters.into()),
        ("loss", rounded(f64::from(times.loss), 6)),
    ])
}

/// The time of each operation of the GPU in a step, as a table.
fn shares(profile: &[bench::Timed], steps: u32) -> String {
    let total: f64 = profile.iter().map(|timed| timed.milliseconds).sum();
    let mut rows = vec![["operation", "calls a step", "ms a step", "share"].map(str::to_owned).to_vec()];
    rows.extend(profile.iter().map(|timed| {
        vec![
            timed.name.clone(),
            format!("{:.1}", timed.calls as f64 / f64::from(steps)),
            format!("{:.3}", timed.milliseconds / f64::from(steps)),
            format!("{:.1} %", 100.0 * timed.milliseconds / total.max(f64::MIN_POSITIVE)),
        ]
    }));
    table(&rows)
}

/// `bench data`.
pub(crate) fn data(options: &cli::BenchData, loudness: Loudness) -> Outcome {
    use_threads(options.threads)?;
    let folder = &options.folder;
    if !folder.is_dir() {
        return Err(Failure::Data(format!("{} is not a folder", folder.display()).into()));
    }
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?; // so that the temporary folder does not stay behind
    let cache = tempfile::tempdir().map_err(Failure::run)?;
    let speed = harness_images::bench::data(folder, options.size, usize::from(options.repeat), cache.path(), &progress);
    let speed = speed?;
    for row in &speed.skipped {
        // If stderr is closed, there is nobody to tell.
        let line = format!("skipped {}: {}\n", printable(&row.file), printable(&row.reason));
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
    }
    if speed.images == 0 {
        return Err(Failure::Data(format!("there are no pictures in {}", folder.display()).into()));
    }
    let per_second = |seconds: &[f64]| rounded(speed.images as f64 / median(seconds), 1);
    let fields = vec![
        ("engine", engine()),
        ("cold_images_per_s", per_second(&speed.cold)),
        ("cached_images_per_s", per_second(&speed.cached)),
        ("images", speed.images.into()),
        ("skipped", speed.skipped.len().into()),
        ("size", options.size.into()),
        ("threads", options.threads.into()),
    ];
    Fields(fields).print(options.json)
}

/// The network that the options describe.
fn model_spec(options: &cli::TrainStep) -> Outcome<ModelSpec> {
    let sizes = options.sizes();
    let changed = sizes.iter().filter_map(|&(name, size)| Some((name.to_owned(), size?.into()))).collect();
    let spec = ModelSpec::named(&options.model, changed)
        .map_err(|e| Failure::Usage(format!("--model {}: {e}", options.model)))?;
    let wrong = |(field, expected): (String, String)| {
        let name = field.rsplit('.').next().unwrap_or_default();
        Failure::Usage(format!("--{name}: expected {expected}"))
    };
    spec.check().map_err(wrong)?;
    spec.check_size(options.size)
        .map_err(|expected| Failure::Usage(format!("--size {}: expected {expected}", options.size)))?;
    Ok(spec)
}

fn engine() -> Value {
    format!("harness {}", env!("CARGO_PKG_VERSION")).into()
}

/// Rounds to `places` decimal places.
fn rounded(value: f64, places: i32) -> Value {
    let scale = 10f64.powi(places);
    ((value * scale).round() / scale).into()
}

/// The peak memory use of the process so far, in MiB; `None` where the system does not report it.
#[cfg(unix)]
fn peak_rss_mib() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
    let per_mib = if cfg!(target_vendor = "apple") { 1 << 20 } else { 1 << 10 }; // bytes on Apple, KiB elsewhere
    Some(u64::try_from(peak).ok()? / per_mib)
}

#[cfg(not(unix))]
fn peak_rss_mib() -> Option<u64> {
    None
}

impl Fields {
    /// Prints one line of JSON, or one line per field.
    fn print(self, as_json: bool) -> Outcome {
        if as_json {
            return say(&serde_json::to_string(&self).map_err(Failure::run)?);
        }
        let shown = |value: Value| match value {
            Value::String(text) => text,
            Value::Null => "unknown".to_owned(),
            other => other.to_string(),
        };
        say(&table(&self.0.into_iter().map(|(name, value)| vec![name.to_owned(), shown(value)]).collect::<Vec<_>>()))
    }
}
