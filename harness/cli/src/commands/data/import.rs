//! `data import`: adopts data that the user has already.

use crate::{
    cli::DataImport,
    failure::Outcome,
    fetching,
    manifests::Manifests,
    output::{count, say, say_json},
    progress::Progress,
};
use harness_fetch::{
    holdings::How,
    human,
    import::{self, Options},
};
use std::path::Path;

pub(super) fn run(options: &DataImport, manifests: &Manifests, data: &Path, progress: &Progress) -> Outcome {
    match &options.name {
        Some(name) => {
            manifests.named(name)?;
        }
        None => manifests.tell_invalid(progress),
    }
    let how = Options { data, name: options.name.as_deref(), copy: options.copy };
    let holding = import::import(manifests.catalogue(), &options.from, &how, progress)?;
    if options.json {
        return say_json(&serde_json::json!({
            "name": holding.manifest, "how": holding.how, "files": holding.files.len(), "came": holding.came,
        }));
    }
    let manifest = manifests.named(&holding.manifest)?;
    let verb = match holding.how {
        How::Linked => "linked to",
        How::Copied | How::Fetched => "copied from",
    };
    let bytes = holding.files.iter().map(|file| file.bytes).sum();
    say(&format!(
        "{}: {verb} {}, {}, {}; in {}",
        holding.manifest,
        options.from.display(),
        count(holding.files.len(), "file"),
        human(bytes),
        manifest.place(data).display()
    ))?;
    fetching::unverified(manifest, &holding).iter().try_for_each(|line| say(line))
}
