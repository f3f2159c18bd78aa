//! `data`: lists, fetches, checks, adopts, packs and shows what the data folder holds.

mod dataset;
mod fetch;
mod import;
mod list;
mod pack;
mod show;
mod verify;

use crate::{
    cli::{Data, Folders},
    failure::{Failure, Outcome},
    manifests,
    progress::{Loudness, Progress},
};

pub(crate) use list::Here;

pub(crate) fn run(command: &Data, folders: &Folders, loudness: Loudness) -> Outcome {
    let place = folders.root.join(manifests::FOLDER);
    let manifests = manifests::read(&place)?;
    let progress = Progress::new(loudness);
    progress.catch_signals().map_err(Failure::run)?;
    match command {
        Data::List { json } => list::run(&manifests, &folders.data, *json),
        Data::Fetch(options) => fetch::run(options, &manifests, &folders.data, &progress),
        Data::Verify(options) => verify::run(options, &manifests, &place, &folders.data, &progress),
        Data::Import(options) => import::run(options, &manifests, &folders.data, &progress),
        Data::Pack(options) => pack::run(options, &manifests, folders, &progress),
        Data::Show(options) => show::run(options, &manifests, folders, &progress),
    }
}
