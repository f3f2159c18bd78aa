//! Writes packs.

use super::{Entry, FORMAT, Held, INDEX, INDEX_SUM, Index, Member, WHOLE_LIMIT};
use crate::{
    datasets::{
        DataError, DatasetSpec, Files, Survey, decoded,
        folder::{Folder, picture_name},
        hashes::Hashes,
        known::{FileHash, Kind},
        survey,
    },
    pixels,
};
use harness_record::{RecordError, digest, files, monitor::Monitor, vocabulary::Purpose};
use image::{ExtendedColorType, ImageEncoder as _, codecs::webp::WebPEncoder};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

/// Number of pictures that are made before checking whether to stop.
const BATCH: usize = 256;
/// Extensions of list and record files, which are packed unchanged.
const WHOLE: [&str; 3] = [".txt", ".bin", ".parquet"];

/// The content of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackSummary {
    /// Number of pictures.
    pub pictures: usize,
    /// Number of trimaps.
    pub trimaps: usize,
    /// Number of files that cannot be used. The pack holds the reasons instead.
    pub damaged: usize,
    /// Size of the pack, in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// Packs all files that `specs`, variants of one data set, read below `data_dir`, with pictures of `size` × `size`
/// pixels, into the file `out`. The file is written whole or not at all. The same data give the same bytes for any
/// number of threads.
pub fn pack(
    specs: &[DatasetSpec],
    size: u32,
    out: &Path,
    data_dir: &Path,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<PackSummary, DataError> {
    let mut content = Content::default();
    for spec in specs {
        content.add(spec, data_dir, cache, monitor)?;
    }
    let mut index = Index { format: FORMAT, decoder: pixels::VERSION, size, folders: BTreeMap::new() };
    for (name, (folder, _)) in &content.folders {
        index.folders.insert(name.clone(), look(folder, &content.trimaps(name), cache, monitor)?);
    }
    let all: usize = content.folders.values().map(|(_, pictures)| pictures.len()).sum();
    let mut summary = PackSummary::default();
    files::write_with(out, |file| {
        let mut writer =
            Writer { tar: tar::Builder::new(BufWriter::new(file)), out, size, summary: PackSummary::default() };
        monitor.begin("packing pictures", all as u64);
        for (name, (folder, pictures)) in &content.folders {
            writer.add_folder((name, folder), pictures, index.folders.entry(name.clone()).or_default(), monitor)?;
        }
        monitor.end();
        summary = writer.finish(&index)?;
        Ok::<_, DataError>(())
    })?;
    summary.bytes = out.metadata().map_err(DataError::io("look at", out))?.len();
    summary.sha256 = digest::of_file(out)?;
    Ok(summary)
}

/// The files that are read in each folder.
#[derive(Default)]
struct Content {
    /// Folders by name below the data folder. Each has its pictures, with a trimap if there is one.
    folders: BTreeMap<String, (Folder, BTreeMap<FileHash, Option<FileHash>>)>,
}

impl Content {
    /// Adds the files that are read of a data set for any purpose.
    fn add(
        &mut self,
        spec: &DatasetSpec,
        data_dir: &Path,
        cache: &Path,
        monitor: &dyn Monitor,
    ) -> Result<(), DataError> {
        let folders = spec.open(data_dir)?;
        if folders.is_empty() {
            return Err(DataError::NothingToPack { dataset: spec.name() });
        }
        if let Some(packed) = folders.iter().find_map(Folder::packed) {
            let reason = "it is a pack already; packs are made from the original files".to_owned();
            return Err(DataError::Pack { path: packed.path().to_owned(), reason });
        }
        for purpose in [Purpose::Segmentation, Purpose::Pretraining] {
            if purpose == Purpose::Pretraining || spec.has_trimaps() {
                self.add_survey(&survey(spec, purpose, data_dir, cache, monitor)?, &spec.folders(), &folders);
            }
        }
        Ok(())
    }

    fn add_survey(&mut self, survey: &Survey, names: &[&str], folders: &[Folder]) {
        for (name, folder) in names.iter().zip(folders) {
            self.folders.entry((*name).to_owned()).or_insert_with(|| (folder.clone(), BTreeMap::new()));
        }
        for source in &survey.sources {
            let Some((_, pictures)) = names.get(source.folder).and_then(|name| self.folders.get_mut(*name)) else {
                continue;
            };
            let (picture, trimap) = match &source.files {
                Files::Picture(picture) => (picture, None),
                Files::PictureAndTrimap(picture, trimap) => (picture, Some(trimap)),
                Files::Record(_) | Files::Drawn { .. } => continue,
            };
            let held = pictures.entry(picture.clone()).or_default();
            *held = held.take().or_else(|| trimap.cloned());
        }
    }

    fn trimaps(&self, folder: &str) -> BTreeSet<&str> {
        let pictures = self.folders.get(folder).map(|(_, pictures)| pictures);
        pictures.into_iter().flatten().filter_map(|(_, trimap)| Some(trimap.as_ref()?.name.as_str())).collect()
    }
}

/// Every file of a folder, and the information about those that could be read.
fn look(
    folder: &Folder,
    trimaps: &BTreeSet<&str>,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<BTreeMap<String, Entry>, DataError> {
    let mut entries = BTreeMap::new();
    walk(folder, "", &mut entries)?;
    let files = entries.iter().filter(|(_, entry)| entry.kind == Kind::File).map(|(name, _)| name.clone());
    let (pictures, others): (Vec<String>, Vec<String>) =
        files.partition(|name| picture_name(name).is_some() && !trimaps.contains(name.as_str()));
    let others: Vec<String> =
        others.into_iter().filter(|name| trimaps.contains(name.as_str()) || is_whole(name)).collect();
    let mut hashes = Hashes::open(cache, folder);
    let known = hashes.all_of(&pictures, &others, monitor)?;
    hashes.save()?;
    for (name, known) in known {
        if let Some(entry) = entries.get_mut(&name) {
            entry.known = Some(known);
        }
    }
    Ok(entries)
}

fn is_whole(name: &str) -> bool {
    WHOLE.iter().any(|ending| name.ends_with(ending))
}

fn walk(folder: &Folder, below: &str, entries: &mut BTreeMap<String, Entry>) -> Result<(), DataError> {
    for (name, kind) in folder.list(below)? {
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if kind == Kind::Folder {
            walk(folder, &name, entries)?;
        }
        entries.insert(name, Entry { kind, known: None, held: None });
    }
    Ok(())
}

/// A pack that is being written.
struct Writer<'a> {
    tar: tar::Builder<BufWriter<&'a mut File>>,
    out: &'a Path,
    size: u32,
    summary: PackSummary,
}

impl Writer<'_> {
    /// Adds a member with no time and no owner.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<Member, DataError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        self.tar.append_data(&mut header, name, bytes).map_err(|source| unwritten(self.out, source))?;
        Ok(Member { name: name.to_owned(), sha256: digest::of_bytes(bytes) })
    }

    fn add_made(&mut self, folder: &str, made: &Made) -> Result<Held, DataError> {
        let bytes = match &made.content {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.summary.damaged += 1;
                return Ok(Held::Damaged(reason.clone()));
            }
        };
        let member = self.add(&format!("{folder}/{}.webp", made.name), bytes)?;
        Ok(if made.is_trimap {
            self.summary.trimaps += 1;
            Held::Trimap(member)
        } else {
            self.summary.pictures += 1;
            Held::Picture(member)
        })
    }

    /// Adds the files of a folder, and notes their positions in `entries`.
    fn add_folder(
        &mut self,
        (name, folder): (&str, &Folder),
        pictures: &BTreeMap<FileHash, Option<FileHash>>,
        entries: &mut BTreeMap<String, Entry>,
        monitor: &dyn Monitor,
    ) -> Result<(), DataError> {
        for (file, entry) in entries.iter_mut().filter(|(file, entry)| entry.kind == Kind::File && is_whole(file)) {
            let bytes = folder.read(file, WHOLE_LIMIT)?;
            entry.held = Some(Held::Whole(self.add(&format!("{name}/{file}"), &bytes)?));
        }
        let jobs: Vec<_> = pictures.iter().collect();
        for batch in jobs.chunks(BATCH) {
            let made: Vec<Vec<Made>> = batch
                .par_iter()
                .map(|(picture, trimap)| {
                    if monitor.stopped() {
                        return Err(DataError::Interrupted);
                    }
                    let made = make(folder, picture, trimap.as_ref(), self.size);
                    monitor.advance(1);
                    made
                })
                .collect::<Result<_, _>>()?;
            for made in made.into_iter().flatten() {
                let held = self.add_made(name, &made)?;
                if let Some(entry) = entries.get_mut(&made.name) {
                    entry.held = Some(held);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, index: &Index) -> Result<PackSummary, DataError> {
        let text =
            serde_json::to_vec(index).map_err(|source| RecordError::Json { path: self.out.to_owned(), source })?;
        self.add(INDEX, &text)?;
        self.add(INDEX_SUM, format!("{}  {INDEX}\n", digest::of_bytes(&text)).as_bytes())?;
        let ended = self.tar.into_inner().and_then(|mut buffer| buffer.flush());
        ended.map_err(|source| unwritten(self.out, source))?;
        Ok(self.summary)
    }
}

fn unwritten(path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Io { action: "write", path: path.to_owned(), source }
}

/// A packed file, or the reason that it cannot be used.
struct Made {
    name: String,
    is_trimap: bool,
    content: Result<Vec<u8>, String>,
}

/// A picture and its trimap, resized.
fn make(folder: &Folder, picture: &FileHash, trimap: Option<&FileHash>, size: u32) -> Result<Vec<Made>, DataError> {
    let encoded = |bytes: &[u8], colour: ExtendedColorType| {
        let mut webp = Vec::new();
        match WebPEncoder::new_lossless(&mut webp).write_image(bytes, size, size, colour) {
            Ok(()) => Ok(webp),
            Err(error) => Err(DataError::Pack { path: folder.file(&picture.name), reason: error.to_string() }),
        }
    };
    let picture_is = |content| Made { name: picture.name.clone(), is_trimap: false, content };
    let image = match decoded::photograph(folder, picture)? {
        Ok(image) => image,
        // The trimap of a damaged picture is never read.
        Err(error) => return Ok(vec![picture_is(Err(error.to_string()))]),
    };
    let small = pixels::resize_bilinear(&image, size, size);
    let mut made = vec![picture_is(Ok(encoded(&small.data, ExtendedColorType::Rgb8)?))];
    if let Some(trimap) = trimap {
        let content = match decoded::trimap(folder, trimap, &image)? {
            Ok(labels) => Ok(encoded(&pixels::resize_nearest(&labels, size, size).data, ExtendedColorType::L8)?),
            Err(reason) => Err(reason),
        };
        made.push(Made { name: trimap.name.clone(), is_trimap: true, content });
    }
    Ok(made)
}
