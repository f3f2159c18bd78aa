//! Decoded pictures, and the cache file that keeps them.
//!
//! The file holds `rgb`, `classes`, a JSON header, and a footer of fixed length with three lengths, a checksum of
//! everything before it, and a magic number. Header and footer come last so that the pixels need not be moved or copied
//! for writing. A later start only maps the file and compares the checksum on all threads.

use super::{
    Bytes, DataError, Files, Folder, Item, Pictures, Source, Survey, cifar_10, known::FileHash, pack::Packed, row,
    synthetic_pets,
};
use crate::pixels;
use harness_record::{
    RecordError, digest, files,
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Purpose},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// Raised whenever the layout of the file changes.
const FORMAT: u32 = 2;
const MARK: &[u8; 8] = b"harnesPX";
const FOOT: usize = 3 * 8 + 64 + MARK.len();
const LIMIT: u64 = 1 << 40;
/// Number of bytes that a thread sums up at once.
const PIECE: usize = 1 << 20;

/// Number of pictures that are decoded before checking whether to stop.
const BATCH: usize = 256;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    digest: String,
    size: u32,
    purpose: Purpose,
    decoder: u32,
    items: Vec<Item>,
    skipped: Vec<FileRow>,
}

/// Decoded pictures that are not yet in the cache.
pub(crate) struct Made {
    head: Head,
    rgb: Vec<u8>,
    classes: Vec<u8>,
}

/// Path of the file that keeps the pictures of a survey.
pub(super) fn path(cache: &Path, digest: &str, purpose: Purpose, size: u32) -> PathBuf {
    let purpose = match purpose {
        Purpose::Pretraining => "pretraining",
        Purpose::Segmentation => "segmentation",
    };
    let (format, decoder, size) = (FORMAT.to_string(), pixels::VERSION.to_string(), size.to_string());
    let key = digest::of_bytes([digest, purpose, &format, &decoder, &size].join("\n").as_bytes());
    cache.join("decoded").join(format!("{key}.bin"))
}

/// Decodes all pictures of a survey, which lie in `folders`, or draws them if the data set has no files.
pub(super) fn make(
    folders: &[Folder],
    survey: &Survey,
    purpose: Purpose,
    size: u32,
    monitor: &dyn Monitor,
) -> Result<Made, DataError> {
    let pixels_each = size as usize * size as usize;
    let all = survey.sources.len() * pixels_each;
    let trimaps = if purpose == Purpose::Segmentation { all } else { 0 };
    // Reserves room for everything that is written to the cache file, so that it need not be moved.
    let mut rgb = Vec::with_capacity(all * 3 + trimaps + survey.sources.len() * 200 + FOOT);
    let mut classes = Vec::with_capacity(trimaps);
    let (mut items, mut skipped) = (Vec::with_capacity(survey.sources.len()), Vec::new());
    let what = if folders.is_empty() { "drawing pictures" } else { "decoding pictures" };
    let unpacked = cifar_10::Unpacked::of(folders, &survey.sources, monitor)?;
    monitor.begin(what, survey.sources.len() as u64);
    for batch in survey.sources.chunks(BATCH) {
        let pictures: Vec<Result<Picture, FileRow>> = batch
            .par_iter()
            .map(|source| {
                if monitor.stopped() {
                    return Err(DataError::Interrupted);
                }
                let picture = one(folders, &unpacked, source, size);
                monitor.advance(1);
                picture
            })
            .collect::<Result<_, _>>()?;
        for picture in pictures {
            match picture {
                Ok((item, pixels, labels)) => {
                    rgb.extend_from_slice(&pixels);
                    if purpose == Purpose::Segmentation {
                        classes.extend_from_slice(&labels);
                    }
                    items.push(item);
                }
                Err(row) => skipped.push(row),
            }
        }
    }
    monitor.end();
    let digest = survey.digest.clone();
    let head = Head { digest, size, purpose, decoder: pixels::VERSION, items, skipped };
    Ok(Made { head, rgb, classes })
}

/// An item, its `[size, size, 3]` bytes, and its `[size, size]` classes if it has a trimap.
type Picture = (Item, Vec<u8>, Vec<u8>);

/// One picture, or a row with the reason that it is left out.
fn one(
    folders: &[Folder],
    unpacked: &cifar_10::Unpacked,
    source: &Source,
    size: u32,
) -> Result<Result<Picture, FileRow>, DataError> {
    if let Files::Drawn { seed, index } = source.files {
        return Ok(Ok(synthetic_pets::draw(seed, source.item.part, index, size)));
    }
    let changed = || DataError::Changed { path: "dataset".into() };
    let folder = folders.get(source.folder).ok_or_else(changed)?;
    let made = match (&source.files, folder.packed()) {
        (Files::Picture(picture), Some(packed)) => from_pack(packed, picture, None, size)?,
        (Files::PictureAndTrimap(picture, trimap), Some(packed)) => from_pack(packed, picture, Some(trimap), size)?,
        (Files::Picture(picture), None) => from_files(folder, picture, None, size)?,
        (Files::PictureAndTrimap(picture, trimap), None) => from_files(folder, picture, Some(trimap), size)?,
        (Files::Record(record), _) => {
            let picture = cifar_10::picture(folder, unpacked, record)?;
            Ok((pixels::resize_bilinear(&picture, size, size).data, Vec::new()))
        }
        (Files::Drawn { .. }, _) => return Err(changed()),
    };
    let item = &source.item;
    Ok(made
        .map(|(rgb, classes)| (item.clone(), rgb, classes))
        .map_err(|reason| row(FileUse::Skipped, &item.name, &item.group, reason)))
}

/// `[size, size, 3]` bytes, and `[size, size]` classes if there is a trimap. Otherwise the reason that there are none.
type Resized = Result<(Vec<u8>, Vec<u8>), String>;

fn from_files(folder: &Folder, picture: &FileHash, trimap: Option<&FileHash>, size: u32) -> Result<Resized, DataError> {
    let image = match photograph(folder, picture)? {
        Ok(image) => image,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let labels = match trimap.map(|trimap| self::trimap(folder, trimap, &image)).transpose()? {
        None => Vec::new(),
        Some(Ok(labels)) => pixels::resize_nearest(&labels, size, size).data,
        Some(Err(reason)) => return Ok(Err(reason)),
    };
    Ok(Ok((pixels::resize_bilinear(&image, size, size).data, classes(labels))))
}

fn from_pack(packed: &Packed, picture: &FileHash, trimap: Option<&FileHash>, size: u32) -> Result<Resized, DataError> {
    let rgb = match packed.picture(picture, size)? {
        Ok(rgb) => rgb,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(match trimap.map(|trimap| packed.trimap(trimap, size)).transpose()? {
        None => Ok((rgb, Vec::new())),
        Some(labels) => labels.map(|labels| (rgb, classes(labels))),
    })
}

/// Converts a trimap's labels, which count from 1, to classes, which count from 0.
fn classes(labels: Vec<u8>) -> Vec<u8> {
    labels.into_iter().map(|label| label - 1).collect()
}

/// The trimap of `image`, or the reason that it cannot be used.
pub(super) fn trimap(
    folder: &Folder,
    file: &FileHash,
    image: &pixels::Picture,
) -> Result<Result<pixels::Labels, String>, DataError> {
    Ok(match content(folder, file)?.and_then(|bytes| pixels::decode_labels(&bytes)) {
        Err(error) => Err(format!("its trimap: {error}")),
        Ok(labels) if (labels.width, labels.height) != (image.width, image.height) => {
            let [w, h, iw, ih] = [labels.width, labels.height, image.width, image.height];
            Err(format!("its trimap has {w} × {h} pixels, the image {iw} × {ih}"))
        }
        Ok(labels) => match labels.data.iter().find(|label| !(1..=3).contains(*label)) {
            Some(label) => Err(format!("its trimap has a {label}; expected 1 (pet), 2 (background) or 3 (border)")),
            None => Ok(labels),
        },
    })
}

/// A picture in its original size, or the reason that it cannot be decoded.
pub(super) fn photograph(
    folder: &Folder,
    file: &FileHash,
) -> Result<Result<pixels::Picture, pixels::DecodeError>, DataError> {
    Ok(content(folder, file)?.and_then(|bytes| pixels::decode(&bytes)))
}

/// The bytes of a file. Fails if they are not the ones that the survey saw.
fn content(folder: &Folder, file: &FileHash) -> Result<Result<Vec<u8>, pixels::DecodeError>, DataError> {
    let path = folder.file(&file.name);
    let bytes = match files::read(&path, pixels::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(RecordError::TooLarge { bytes, .. }) => return Ok(Err(pixels::DecodeError::TooManyBytes(bytes))),
        Err(error) => return Err(error.into()),
    };
    if digest::of_bytes(&bytes) != file.sha256 {
        return Err(DataError::Changed { path });
    }
    Ok(Ok(bytes))
}

/// Puts pictures into the cache and returns them.
pub(super) fn write(path: &Path, made: Made) -> Result<Pictures, DataError> {
    let Made { head, rgb: mut bytes, classes } = made;
    let pixels = bytes.len();
    bytes.extend_from_slice(&classes);
    let json = serde_json::to_vec(&head).map_err(|source| RecordError::Json { path: path.to_owned(), source })?;
    bytes.extend_from_slice(&json);
    let sum = sum(&bytes);
    for length in [pixels, classes.len(), json.len()] {
        bytes.extend_from_slice(&(length as u64).to_le_bytes());
    }
    bytes.extend_from_slice(sum.as_bytes());
    bytes.extend_from_slice(MARK);
    files::write(path, &bytes)?;
    bytes.truncate(pixels);
    Ok(pictures(head, bytes.into(), classes.into()))
}

/// The pictures of a survey, if the cache has them undamaged.
pub(super) fn read(
    path: &Path,
    survey: &Survey,
    purpose: Purpose,
    size: u32,
    monitor: &dyn Monitor,
) -> Option<Pictures> {
    if !path.exists() {
        return None;
    }
    let found = map(path).ok().and_then(|bytes| parse(&bytes));
    let fits = |(head, rgb, classes): &(Head, Bytes, Bytes)| {
        let all = head.items.len() * size as usize * size as usize;
        rgb.len() == all * 3
            && classes.len() == if purpose == Purpose::Segmentation { all } else { 0 }
            && head.digest == survey.digest
            && (head.size, head.purpose, head.decoder) == (size, purpose, pixels::VERSION)
            && head.items.len() + head.skipped.len() == survey.sources.len()
    };
    if let Some((head, rgb, classes)) = found.filter(fits) {
        return Some(pictures(head, rgb, classes));
    }
    monitor.log(&format!("{} is damaged; its pictures are decoded again", path.display()));
    None
}

fn map(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() > LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Bytes::map(&file)
}

/// A checksum that shows damage: SHA-256 over the CRC-32 of each piece. A cache must be safe from accidents, not from
/// forgery, and SHA-256 of all bytes would take longer than reading them.
fn sum(bytes: &[u8]) -> String {
    let sums: Vec<[u8; 4]> = bytes.par_chunks(PIECE).map(|piece| crc32fast::hash(piece).to_le_bytes()).collect();
    digest::of_bytes(sums.as_flattened())
}

/// Header, pixels and classes of a cache file, if it is undamaged.
fn parse(bytes: &Bytes) -> Option<(Head, Bytes, Bytes)> {
    let (body, foot) = bytes.split_last_chunk::<FOOT>()?;
    let (lengths, rest) = foot.split_first_chunk::<24>()?;
    let (sum, mark) = rest.split_at(64);
    let [rgb, classes, json] = [0, 1, 2].map(|i| u64::from_le_bytes(lengths.as_chunks::<8>().0[i]));
    let total = rgb.checked_add(classes)?.checked_add(json)?;
    if mark != MARK || total != body.len() as u64 || self::sum(body).as_bytes() != sum {
        return None;
    }
    let (rgb, pixels) = (rgb as usize, (rgb + classes) as usize);
    let head: Head = serde_json::from_slice(&body[pixels..]).ok()?;
    Some((head, bytes.part(0..rgb), bytes.part(rgb..pixels)))
}

fn pictures(head: Head, rgb: Bytes, classes: Bytes) -> Pictures {
    Pictures { size: head.size, digest: head.digest, items: head.items, rgb, classes, left_out: head.skipped }
}
