//! Arms of a claim that were trained unequally, besides what the arms are about.
//!
//! The settings in [`ABOUT`] are what arms are about, as is pretraining itself. Every other setting is how an arm was
//! trained, and should be equal. If two arms differ in nothing else, then these settings are what they are about.

use super::{Finding, Severity, Undermines, joined};
use crate::{
    figures::{claim::Comparison, data::Data, trained::to_counts},
    inputs::study::{ArmInput, StageSettings, baseline},
    markdown::{count, escape},
};
use harness_record::vocabulary::{Protocol, Purpose, Stage};
use serde_json::Value;

/// The settings that arms are about: the network, the images that it trains on, and the task of pretraining.
const ABOUT: [(Stage, &str); 5] = [
    (Stage::Pretrain, "network"),
    (Stage::Pretrain, "images"),
    (Stage::Pretrain, "task"),
    (Stage::Finetune, "network"),
    (Stage::Finetune, "trains on"),
];
/// The part of a loss that belongs to the network.
const PENALTY: &str = "commitment";
/// The number of differences that a verdict names; the others are counted.
const LISTED: usize = 3;
/// Values with more letters are not printed.
const LONG: usize = 40;

/// A pair of arms that a claim compares.
type Pair<'a> = [&'a str; 2];

/// How two arms differ: what they are about, and how they were trained. A difference has a name and, if they are short, the
/// two values.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    about: bool,
    training: Vec<(String, Option<[String; 2]>)>,
}

/// A pair with its differences.
type Unequal<'a> = (Pair<'a>, Differences);

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    let claims: Vec<Comparison> =
        data.study.report.claims.iter().filter_map(|claim| claim.expect.parse().ok()).collect();
    let mut pairs: Vec<(Pair<'_>, Vec<Protocol>)> = Vec::new();
    for (claim, comparison) in data.study.report.claims.iter().zip(&claims) {
        let sides = [comparison.left.arm.as_str(), comparison.right.arm.as_str()];
        if sides[0] == sides[1] || sides.iter().any(|side| baseline(side).is_some()) {
            continue;
        }
        let place = pairs.iter().position(|(other, _)| sides.iter().all(|side| other.contains(side)));
        let place = place.unwrap_or_else(|| {
            pairs.push((sides, Vec::new()));
            pairs.len() - 1
        });
        let own = data.study.protocols.iter().filter(|under| claim.protocol.is_none_or(|only| only == **under));
        pairs[place].1.extend(own);
    }
    if pairs.is_empty() {
        return Err("no claim compares two arms");
    }
    let mut unequal: Vec<(Pair<'_>, Differences, Vec<Protocol>)> = Vec::new();
    for (pair, protocols) in pairs {
        for protocol in data.study.protocols.iter().copied().filter(|protocol| protocols.contains(protocol)) {
            let found = differences(data, pair, protocol);
            match unequal.iter_mut().find(|(other, same, _)| (*other, same) == (pair, &found)) {
                Some((.., protocols)) => protocols.push(protocol),
                None if found.about && !found.training.is_empty() => unequal.push((pair, found, vec![protocol])),
                None => {}
            }
        }
    }
    // Pairs that differ under the same protocols are one finding.
    let mut findings: Vec<(Vec<Protocol>, Vec<Unequal<'_>>)> = Vec::new();
    for (pair, found, protocols) in unequal {
        match findings.iter_mut().find(|(other, _)| *other == protocols) {
            Some((_, pairs)) => pairs.push((pair, found)),
            None => findings.push((protocols, vec![(pair, found)])),
        }
    }
    Ok(findings.into_iter().map(|(protocols, pairs)| finding(data, protocols, &pairs)).collect())
}

fn finding(data: &Data, protocols: Vec<Protocol>, pairs: &[Unequal<'_>]) -> Finding {
    let under: Vec<_> = protocols.iter().map(|protocol| protocol.name().to_owned()).collect();
    let each: Vec<_> = pairs.iter().map(|(pair, found)| in_words(data, *pair, found)).collect();
    let sentence = format!(
        "Under the {} {}, arms of a claim differ in more than they are compared for, so their scores may differ for that \
         reason: {}.",
        joined(&under),
        if under.len() > 1 { "protocols" } else { "protocol" },
        each.join("; ")
    );
    let reason = |(pair, found): &Unequal<'_>| {
        let mut names: Vec<_> = found.training.iter().map(|(name, _)| name.clone()).collect();
        if names.len() > LISTED {
            let more = names.split_off(LISTED).len() as u64;
            names.push(format!("{} more", count(more)));
        }
        (pair.map(str::to_owned), format!("unequal {}", joined(&names)))
    };
    Finding {
        severity: Severity::Warns,
        found: sentence,
        undermines: Undermines::Pairs(pairs.iter().map(reason).collect(), protocols),
    }
}

fn in_words(data: &Data, pair: Pair<'_>, found: &Differences) -> String {
    let each = found.training.iter().map(|(name, values)| match values {
        Some([one, other]) => format!("{name} ({one} against {other})"),
        None => name.clone(),
    });
    let [one, other] = pair.map(|arm| escape(data.arm_label(arm)));
    let each: Vec<_> = each.collect();
    format!("{one} against {other} in {}", each.join(", "))
}

fn differences(data: &Data, pair: Pair<'_>, protocol: Protocol) -> Differences {
    let mut found = Differences::default();
    for stage in [Stage::Pretrain, Stage::Finetune] {
        let settings = pair.map(|arm| settings(data, arm, stage));
        match settings {
            [Some(one), Some(other)] => of_stage(data, pair, (stage, protocol), [one, other], &mut found),
            [None, None] => {}
            // That one of them has the stage is what they are about.
            _ => found.about = true,
        }
    }
    found
}

fn of_stage(
    data: &Data,
    pair: Pair<'_>,
    (stage, protocol): (Stage, Protocol),
    settings: [&StageSettings; 2],
    found: &mut Differences,
) {
    let mut about = false;
    let mut add = |name: &str, values: Option<[String; 2]>| {
        let name = escape(name);
        let name = if stage == Stage::Pretrain { format!("{name} of pretraining") } else { name };
        found.training.push((name, values));
    };
    let sets = pair.map(|arm| data.dataset(arm, purpose(stage), Some(protocol)));
    let lines = settings.map(|settings| settings.under(protocol));
    let differs = |name: &str| value(&lines[0], name) != value(&lines[1], name);
    let selects =
        ABOUT.iter().any(|(of, name)| *of == stage && matches!(*name, "images" | "trains on") && differs(name));
    if let [Some((first, one)), Some((second, other))] = sets {
        if let [Some(images), Some(others)] = [one.training_images(), other.training_images()]
            && images != others
            && !selects
        {
            add("training images", Some([to_counts(images, first), to_counts(others, second)]));
        }
        if one.size != other.size {
            add("image size", Some([one.size.to_string(), format!("{}\u{a0}px", other.size)]));
        }
    }
    let steps = [0, 1].map(|side| steps(data, pair[side], (stage, protocol), &lines[side]));
    if let [Some(one), Some(other)] = steps
        && one != other
    {
        add("steps", Some([count(one), count(other)]));
    }
    if let [Some((_, one)), Some((_, other))] = sets {
        let sides = [(&lines[0], one.size), (&lines[1], other.size)];
        let [images, others] = sides.map(|(lines, side)| {
            value(lines, "images").unwrap_or_default().replace(&format!("{side} × {side} px"), "")
        });
        if images != others && !ABOUT.contains(&(stage, "images")) {
            add("data set or scale of the images", None);
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in lines.iter().flatten() {
        if !names.contains(name) && differs(name) {
            names.push(name);
        }
    }
    for name in names {
        if ABOUT.contains(&(stage, name)) {
            about = true;
        } else if name != "images" {
            add(name, short([value(&lines[0], name), value(&lines[1], name)]));
        }
    }
    found.about |= about;
}

/// Lines of settings, as pairs of a name and a value.
type Lines<'a> = Vec<(&'a str, &'a str)>;

impl StageSettings {
    /// Returns the settings under a protocol. A name such as `loss, published` belongs to one protocol. A loss comes without
    /// the part that belongs to the network.
    fn under(&self, protocol: Protocol) -> Lines<'_> {
        let own = self.lines.iter().filter_map(|(name, value)| match name.rsplit_once(", ") {
            Some((base, word)) if word == protocol.name() => Some((base, value.as_str())),
            Some((_, word)) if word.parse::<Protocol>().is_ok() => None,
            _ => Some((name.as_str(), value.as_str())),
        });
        let without_penalty = |value| match str::rsplit_once(value, " + ") {
            Some((loss, penalty)) if penalty.ends_with(PENALTY) => loss,
            _ => value,
        };
        own.map(|(name, value)| (name, if name == "loss" { without_penalty(value) } else { value })).collect()
    }
}

fn settings<'a>(data: &'a Data, arm: &str, stage: Stage) -> Option<&'a StageSettings> {
    let own = data.study.settings.iter().find(|settings| settings.arm == arm)?;
    own.stages.iter().find(|settings| settings.stage == stage)
}

fn value<'a>(lines: &Lines<'a>, name: &str) -> Option<&'a str> {
    lines.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
}

/// Returns two values as Markdown, unless one is long.
fn short(values: [Option<&str>; 2]) -> Option<[String; 2]> {
    let is_short = values.iter().flatten().all(|value| value.chars().count() <= LONG);
    is_short.then(|| values.map(|value| value.map_or("none".to_owned(), escape)))
}

/// Returns the number of optimisation steps that the settings of an arm's stage ask for; training may stop earlier.
fn steps(data: &Data, arm: &str, (stage, protocol): (Stage, Protocol), lines: &Lines<'_>) -> Option<u64> {
    let number = |name| value(lines, name)?.parse::<u64>().ok();
    let (epochs, batch) = (number("epochs")?, number("batch")?);
    Some(epochs * images_an_epoch(data, arm, (stage, protocol))?.div_ceil(batch.max(1)))
}

/// Returns the number of images that an epoch visits; `None` if that is not known.
fn images_an_epoch(data: &Data, arm: &str, (stage, protocol): (Stage, Protocol)) -> Option<u64> {
    let images = |arm| data.dataset(arm, purpose(stage), Some(protocol))?.1.training_images();
    let Some(own) = work(data, arm, (stage, protocol)) else { return images(arm) };
    let visits_all = own.settings.get("epoch").and_then(Value::as_str) == Some("whole");
    if !visits_all || own.selects_all() {
        return images(arm);
    }
    // An epoch is as long as that of an arm that trains on all images of the same cut.
    let whole = |other: &&ArmInput| {
        work(data, &other.name, (stage, protocol))
            .is_some_and(|other| other.selects_all() && (other.data, other.cut()) == (own.data, own.cut()))
    };
    images(&data.study.arms.iter().find(whole)?.name)
}

fn purpose(stage: Stage) -> Purpose {
    if stage == Stage::Pretrain { Purpose::Pretraining } else { Purpose::Segmentation }
}

/// What a run of training did, as its record says.
struct Work<'a> {
    /// The digest of its data.
    data: &'a str,
    settings: &'a Value,
}

fn work<'a>(data: &'a Data, arm: &str, (stage, protocol): (Stage, Protocol)) -> Option<Work<'a>> {
    let of = |protocol| data.runs.of(arm, stage, protocol).map(|(_, run)| &run.record).next();
    let record = of(Some(protocol)).or_else(|| of(None))?;
    Some(Work { data: &record.data, settings: record.settings.get("work")?.get(stage.name())? })
}

impl<'a> Work<'a> {
    /// Returns true if it used all training images of its cut.
    fn selects_all(&self) -> bool {
        let selection = self.settings.pointer("/cut/train").unwrap_or(self.settings);
        let others = selection.as_object().is_some_and(|fields| fields.len() > 1) && self.settings.get("cut").is_some();
        selection.get("fraction").and_then(Value::as_f64) == Some(1.0) && !others
    }

    /// What decides which images there are for training.
    fn cut(&self) -> [Option<&'a Value>; 2] {
        [self.settings.pointer("/cut/split"), self.settings.get("validation")]
    }
}

#[cfg(test)]
mod tests;
