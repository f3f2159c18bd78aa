//! Puts settings into words, for reports.

use harness_learn::{
    evaluate::{EvaluateSpec, radius},
    models::InitSpec,
    train::Training,
};
use harness_record::vocabulary::{Condition, Protocol, Stage};
use harness_report::inputs::{ArmSettings, ConditionInput, StageSettings};
use harness_study::study::{Arm, Resolved, Study};
use std::fmt::Display;

/// The command that makes the report of a study.
pub(crate) fn command(study: &str, profile: &str, overrides: &[String]) -> String {
    let profile = if profile == "full" { String::new() } else { format!(" --profile {profile}") };
    let mut parts = vec![format!("harness study {study}{profile}")];
    // Each override is quoted for a shell, in which a quote inside quotes is written '\''.
    parts.extend(overrides.iter().map(|one| format!("--set '{}'", one.replace('\'', r"'\''"))));
    parts.join(" ")
}

/// The conditions of an evaluation.
pub(crate) fn conditions(spec: &EvaluateSpec, size: u32) -> Vec<ConditionInput> {
    let names = spec.conditions();
    let condition = |(level, name): (&u32, Condition)| ConditionInput {
        name,
        label: format!("{level} %"),
        value: Some(f64::from(*level)),
        detail: match radius(*level, size) {
            0.0 => "not blurred".to_owned(),
            radius => format!("Gaussian blur, radius {} px", (radius * 100.0).round() / 100.0),
        },
    };
    spec.blur.iter().zip(names).map(condition).collect()
}

/// The notes that a reader must know before any figure.
pub(crate) fn notes(resolved: &Resolved) -> Vec<String> {
    let mut notes = Vec::new();
    for arm in &resolved.arms {
        let drawn = arm.studies().any(|(_, study)| {
            study.init == InitSpec::Random
                && study.model.sizes().published().is_some_and(|published| published.imagenet)
        });
        if drawn {
            let label = &arm.spec.label;
            let text = "the encoder starts from random weights; in the published work it started from ImageNet's";
            notes.push(format!("{label}: {text}."));
        }
    }
    notes
}

/// The settings of a stage in words: pairs of a name and a value.
type Lines = Vec<(String, String)>;

/// The stages of an arm.
pub(crate) fn arm(arm: &Arm) -> ArmSettings {
    let of = |stage, lines: fn(&Arm, &Study, Protocol) -> Lines| {
        let protocols = arm.studies().map(|(protocol, study)| (protocol, lines(arm, study, protocol)));
        StageSettings { stage, lines: united(&protocols.collect::<Vec<_>>()) }
    };
    let pretrained = arm.spec.pretrained.then(|| of(Stage::Pretrain, pretrain));
    let others = [of(Stage::Finetune, finetune), of(Stage::Evaluate, evaluate)];
    ArmSettings { arm: arm.spec.name.clone(), stages: pretrained.into_iter().chain(others).collect() }
}

/// The lines of a stage under all protocols. A line that differs names its protocol.
fn united(protocols: &[(Protocol, Lines)]) -> Lines {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in protocols.iter().flat_map(|(_, lines)| lines) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut all = Lines::new();
    for name in names {
        let value = |lines: &Lines| lines.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let values: Vec<(Protocol, Option<String>)> =
            protocols.iter().map(|(protocol, lines)| (*protocol, value(lines))).collect();
        match values.as_slice() {
            [(_, Some(first)), others @ ..] if others.iter().all(|(_, other)| other.as_ref() == Some(first)) => {
                all.push(line(name, first));
            }
            _ => all.extend(values.into_iter().filter_map(|(protocol, value)| {
                value.map(|value| line(&format!("{name}, {}", protocol.name()), value))
            })),
        }
    }
    all
}

fn evaluate(_: &Arm, study: &Study, _: Protocol) -> Lines {
    let evaluation = &study.evaluation;
    let mut lines = vec![line("images", "the test images of the cut")];
    if evaluation.blur != [0] {
        let levels: Vec<String> = evaluation.blur.iter().map(u32::to_string).collect();
        let text = format!("{} % (radius ⌊level/10⌋ px at 120 px, in proportion at other sizes)", levels.join(", "));
        lines.push(line("blur levels", text));
    }
    lines.push(line("batch", evaluation.batch));
    lines
}

fn pretrain(_: &Arm, study: &Study, protocol: Protocol) -> Lines {
    let (spec, data) = (&study.pretraining, &study.data.pretraining);
    let model = &study.model;
    let mut images = vec![format!("{}, {}", data.dataset.describe(), side(study))];
    if data.validation > 0 {
        images.push(format!("{} of them held out, drawn anew for each seed", data.validation));
    }
    if data.fraction < 1.0 {
        images.push(format!("{} % of the others for training, balanced over the classes", data.fraction * 100.0));
    }
    let mut lines = vec![
        line("network", format!("{}, from {}", model.sizes().describe(), study.init.describe())),
        line("images", images.join("; ")),
        line("task", format!("restore the image from: {}", spec.distortion.describe())),
        line("loss", format!("mean squared error{}", model.sizes().penalty_in_words())),
    ];
    lines.extend(epochs(spec.epochs, protocol));
    lines.extend(training(&spec.training(0)));
    lines
}

fn finetune(arm: &Arm, study: &Study, protocol: Protocol) -> Lines {
    let (spec, data) = (&study.finetuning, &study.data.segmentation);
    let model = &study.model;
    let start = if arm.spec.pretrained { "the pretrained weights".to_owned() } else { study.init.describe() };
    let loss = spec.losses.under(protocol).describe();
    let mut lines = vec![
        line("network", format!("{}, from {start}", model.sizes().describe())),
        line("images", format!("{}, {}", data.dataset.describe(), side(study))),
        line("cut", data.split.describe(protocol == Protocol::Corrected)),
        line("trains on", data.train.describe()),
        line("loss", format!("{loss}{}", model.sizes().penalty_in_words())),
    ];
    if !spec.augmentation.0.is_empty() {
        lines.push(line("augmentation", spec.augmentation.describe()));
    }
    lines.extend(epochs(spec.epochs, protocol));
    lines.extend(training(&spec.training(0, protocol)));
    lines
}

/// The number of epochs and their length.
fn epochs(epochs: u32, protocol: Protocol) -> Lines {
    let visits = match protocol {
        Protocol::Published => "each image that it trains on, once",
        Protocol::Corrected => "as many images as there are to train on before some are selected",
    };
    vec![line("epochs", epochs), line("an epoch visits", visits)]
}

fn training(training: &Training<'_>) -> Lines {
    let mut lines = vec![
        line("batch", training.batch),
        line("optimiser", training.optimizer.describe()),
        line("learning rate", training.schedule.describe()),
    ];
    if let Some(norm) = training.gradient_clip {
        lines.push(line("gradients", format!("clipped to a norm of {norm}")));
    }
    if let Some(stopping) = training.early_stopping {
        lines.push(line("early stopping", stopping.describe()));
    }
    lines.push(line("weights kept", training.keep.describe()));
    lines
}

fn side(study: &Study) -> String {
    let size = study.data.size;
    let normalised = study.data.normalise.map(|normalise| format!(", {}", normalise.describe()));
    format!("{size} × {size} px{}", normalised.unwrap_or_default())
}

fn line(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_differs_names_its_protocol() {
        let lines = |lines: &[(&str, &str)]| lines.iter().map(|(name, value)| line(name, value)).collect::<Lines>();
        let both = [
            (Protocol::Published, lines(&[("epochs", "5"), ("loss", "a"), ("clip", "1")])),
            (Protocol::Corrected, lines(&[("epochs", "5"), ("loss", "b")])),
        ];
        assert_eq!(
            united(&both),
            lines(&[("epochs", "5"), ("loss, published", "a"), ("loss, corrected", "b"), ("clip, published", "1")])
        );
        assert_eq!(united(&both[1..]), both[1].1);
    }
}
