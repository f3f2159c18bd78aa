//! Instructions for a user without network access.

use crate::{
    human,
    manifest::{Manifest, Origin, RemoteFile, UNVERIFIED},
};
use std::{fmt::Write as _, path::Path};

/// Lists the files to get, their sources and their places. `why` follows the words `are not in the data folder and`.
pub fn missing(manifest: &Manifest, data: &Path, why: &str) -> String {
    let place = manifest.place(data);
    match &manifest.origin {
        Origin::BuiltIn | Origin::Composed(_) => format!("{} needs no files of its own", manifest.name),
        Origin::Local(_) => {
            let how = by_hand(manifest, data).unwrap_or_default();
            format!("the data {} are not in the data folder and {why}.\n{how}", manifest.name)
        }
        Origin::OneOf(files) => {
            let mut told = format!("the weights {} are not in the data folder and {why}", manifest.name);
            for (i, file) in files.iter().enumerate() {
                addresses(&mut told, file, if i == 0 { "" } else { "or " });
                let _ = write!(told, "\nand put it at {}", place.join(&file.file).display());
                about(&mut told, file);
            }
            told
        }
        Origin::Download(files) => {
            let mut told = format!("the data {} are not in the data folder and {why}", manifest.name);
            for file in files {
                addresses(&mut told, file, "");
                let _ = write!(told, "\nand put it at {}", manifest.place_of(file, data).display());
                about(&mut told, file);
            }
            let them = if files.len() == 1 { "it" } else { "they" };
            let verb = if files.len() == 1 { "is" } else { "are" };
            let _ = write!(
                told,
                "\nThen run `harness data fetch {}` or a study: {them} {verb} checked and unpacked from there, without \
                 a network.\nOr put the unpacked data at {}:{}",
                manifest.name,
                place.display(),
                layout(manifest)
            );
            adopt(&mut told, manifest);
            told
        }
    }
}

/// Instructions for data that are put in place by hand, and their place. `None` for all other data.
pub fn by_hand(manifest: &Manifest, data: &Path) -> Option<String> {
    let Origin::Local(text) = &manifest.origin else { return None };
    let mut told = text.trim().to_owned();
    let _ = write!(told, "\nPut them at {}:{}", manifest.place(data).display(), layout(manifest));
    adopt(&mut told, manifest);
    Some(told)
}

fn addresses(told: &mut String, file: &RemoteFile, or: &str) {
    for (i, source) in file.from.iter().enumerate() {
        let lead = if i == 0 { format!("{or}fetch ") } else { "  the same is at ".to_owned() };
        let _ = write!(told, "\n{lead}{}", source.address());
    }
}

fn about(told: &mut String, file: &RemoteFile) {
    let known = |digest: &&String| *digest != UNVERIFIED;
    let parts = [
        file.size.map(|size| format!("{}: {size} bytes", human(size))),
        file.sha256.as_ref().filter(known).map(|digest| format!("SHA-256 {digest}")),
        file.md5.as_ref().map(|digest| format!("MD5 {digest}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        let _ = write!(told, "\n  ({})", parts.join(", "));
    }
}

fn layout(manifest: &Manifest) -> String {
    manifest.expect.iter().fold(String::new(), |mut text, expected| {
        let _ = write!(text, "\n  {}", expected.words());
        text
    })
}

fn adopt(told: &mut String, manifest: &Manifest) {
    let _ = write!(
        told,
        "\nIf you have them elsewhere: `harness data import DIR --name {}`, or name the folder that contains {}/ with \
         --data-dir or HARNESS_DATA",
        manifest.name,
        manifest.folder()
    );
}
