//! `report --verdicts`: prints every printed figure, its reproduced value and the verdict.

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    output::{count, say, say_json, table},
    reports::{
        folder::ReportFolder,
        freshness::{Freshness, freshness, other_figures, printed_in},
    },
};
use harness_report::Judged;
use serde_json::json;

/// Prints the verdicts of `places`; with `--require`, fails unless all of them are the required one.
pub(super) fn run(places: &[ReportFolder], folders: &Folders, options: &cli::Report) -> Outcome {
    let mut all = Vec::new();
    for place in places {
        let freshness = freshness(place, folders)?;
        let data = place.folder.join("data");
        if let Freshness::Current(current) = &freshness
            && printed_in(&data)? != current.printed
        {
            return Err(Failure::Check(other_figures(place)));
        }
        let judged = harness_report::verdicts(&data, freshness.fidelity())?;
        all.extend(judged.into_iter().map(|judged| (place, judged)));
    }
    if options.json {
        say_json(&all.iter().map(|(place, judged)| in_json(place, judged)).collect::<Vec<_>>())?;
    } else if !all.is_empty() {
        let heads =
            ["report", "table", "row", "split", "metric", "printed", "reproduced", "new seed, 95 %", "verdict", "why"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(all.iter().map(|(place, judged)| in_cells(place, judged)));
        say(&table(&rows))?;
    }
    let Some(required) = &options.require else { return Ok(()) };
    let others = all.iter().filter(|(_, judged)| judged.row.verdict != *required).count();
    match (all.len(), others) {
        (0, _) => Err(Failure::Check(format!("no printed figure belongs to these reports, so none is {required}"))),
        (_, 0) => Ok(()),
        (n, others) => Err(Failure::Check(format!("{others} of {} not {required}", count(n, "printed figure")))),
    }
}

fn in_cells(place: &ReportFolder, judged: &Judged) -> Vec<String> {
    let row = &judged.row;
    let number = |value: f64| format!("{value:.4}");
    let interval = row.low.zip(row.high).map(|(low, high)| format!("{} to {}", number(low), number(high)));
    vec![
        format!("{}/{}", place.profile, place.name),
        row.table.clone(),
        row.variant.clone(),
        row.split.clone(),
        row.metric.clone(),
        row.value.clone(),
        row.reproduced.map_or("-".to_owned(), number),
        interval.unwrap_or("-".to_owned()),
        row.verdict.clone(),
        judged.why.to_owned(),
    ]
}

fn in_json(place: &ReportFolder, judged: &Judged) -> serde_json::Value {
    let row = &judged.row;
    json!({
        "profile": place.profile, "study": place.name, "table": row.table, "row": row.variant, "model": row.model,
        "split": row.split, "metric": row.metric, "printed": row.value, "reproduced": row.reproduced, "low": row.low,
        "high": row.high, "margin": judged.margin, "images": judged.images, "seeds": judged.seeds,
        "verdict": row.verdict, "why": (!judged.why.is_empty()).then_some(judged.why),
    })
}
