//! `data pack`: writes one file for machines without a network.

use super::dataset;
use crate::{
    cli::{DataPack, Folders},
    failure::Outcome,
    manifests::Manifests,
    output::{count, say, say_json},
    progress::Progress,
};
use harness_fetch::human;
use harness_images::datasets;
use harness_record::{store::Store, vocabulary::Protocol};
use serde_json::json;

pub(super) fn run(options: &DataPack, manifests: &Manifests, folders: &Folders, progress: &Progress) -> Outcome {
    let spec = dataset::named(&options.dataset, manifests)?;
    dataset::must_be_there(&spec, manifests, &folders.data, "cannot be packed")?;
    let mut forms = [Protocol::Published, Protocol::Corrected].map(|protocol| spec.under(protocol)).to_vec();
    forms.dedup();
    let cache = Store::new(&folders.store).cache();
    let packed = datasets::pack(&forms, options.size, &options.out, &folders.data, &cache, progress)?;
    let out = options.out.display();
    if options.json {
        return say_json(&json!({
            "file": options.out, "size": options.size, "pictures": packed.pictures, "trimaps": packed.trimaps,
            "damaged": packed.damaged, "bytes": packed.bytes, "sha256": packed.sha256,
        }));
    }
    let trimaps = if packed.trimaps > 0 { format!(" and {}", count(packed.trimaps, "trimap")) } else { String::new() };
    say(&format!(
        "{out}: {}{trimaps} at {} px, {}",
        count(packed.pictures, "picture"),
        options.size,
        human(packed.bytes)
    ))?;
    if packed.damaged > 0 {
        say(&format!("{} cannot be used; the pack says why", count(packed.damaged, "file")))?;
    }
    say(&format!("SHA-256 {}", packed.sha256))?;
    say(&format!("use it with --data-dir {out}, or put it into a data folder"))
}
