//! Finds how the masks of a folder store their classes.
//!
//! The codes in a mask are counted before their meaning is known: only the folder as a whole tells whether a 1 is the
//! background or the pet. So each file is read once, and no mask is kept in memory.

use super::listed::listed;
use crate::failure::{Failure, Outcome};
use clap::ValueEnum;
use harness_images::pixels::{self, DecodeError};
use harness_record::metrics::{CLASSES, Confusion};
use std::{fmt, path::Path};

/// The values that a pixel of a mask can have: the numbers 0 to 3, and three colours.
const CODES: [&str; 7] = ["0", "1", "2", "3", "red", "green", "blue"];
/// The largest code that is a number.
const LAST_NUMBER: u8 = 3;

/// A way to store the classes in a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// 1 pet, 2 background, 3 border
    Trimap,
    /// 0 pet, 1 background, 2 border
    Classes,
    /// Red pet, green background, blue border
    Colours,
}

impl Encoding {
    const ALL: [Self; 3] = [Self::Trimap, Self::Classes, Self::Colours];

    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trimap => "trimap",
            Self::Classes => "classes",
            Self::Colours => "colours",
        }
    }

    /// Codes of pet, background and border.
    fn codes(self) -> [usize; CLASSES] {
        match self {
            Self::Trimap => [1, 2, 3],
            Self::Classes => [0, 1, 2],
            Self::Colours => [4, 5, 6],
        }
    }

    fn has(self, code: usize) -> bool {
        self.codes().contains(&code)
    }
}

/// The name in a sentence.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trimap => "trimaps",
            Self::Classes => "class indices",
            Self::Colours => "colours",
        })
    }
}

/// A mask as stored in its file.
pub(super) struct Mask {
    /// Width and height, in pixels.
    pub(super) size: (u32, u32),
    /// The index in [`CODES`] of every pixel, row by row.
    codes: Vec<u8>,
}

impl Mask {
    /// Reads numbers from a greyscale file, and colours from any other. A pixel of equal red, green and blue is a
    /// number, too: this is how a grey palette stores it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        match pixels::decode_labels(bytes) {
            Ok(labels) => Self::coded((labels.width, labels.height), labels.data.iter().map(|&grey| [grey; 3])),
            Err(DecodeError::NotGrey) => {
                let picture = pixels::decode(bytes).map_err(|error| error.to_string())?;
                Self::coded((picture.width, picture.height), picture.data.as_chunks::<3>().0.iter().copied())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn coded(size: (u32, u32), pixels: impl Iterator<Item = [u8; 3]>) -> Result<Self, String> {
        let mut codes = Vec::with_capacity(size.0 as usize * size.1 as usize);
        for (i, rgb) in pixels.enumerate() {
            codes.push(match rgb {
                [255, 0, 0] => LAST_NUMBER + 1,
                [0, 255, 0] => LAST_NUMBER + 2,
                [0, 0, 255] => LAST_NUMBER + 3,
                [r, g, b] if r == g && g == b && r <= LAST_NUMBER => r,
                _ => return Err(stranger(rgb, i % size.0 as usize, i / size.0 as usize)),
            });
        }
        Ok(Self { size, codes })
    }
}

/// The message for a pixel that holds none of [`CODES`].
fn stranger([r, g, b]: [u8; 3], column: usize, row: usize) -> String {
    let what = if r == g && g == b { r.to_string() } else { format!("the colour ({r}, {g}, {b})") };
    format!("{what} at column {column}, row {row} (from 0) is not a class: expected 0 to 3, or pure red, green or blue")
}

/// Pixel counts of an image by the codes of its true and its predicted mask.
pub(super) struct Joint([[u64; CODES.len()]; CODES.len()]);

/// Says for each of [`CODES`] whether a mask holds it.
pub(super) type Seen = [bool; CODES.len()];

impl Joint {
    /// Counts two masks of one size.
    pub(super) fn of(truth: &Mask, prediction: &Mask) -> Self {
        let mut counts = [[0; CODES.len()]; CODES.len()];
        for (&t, &p) in truth.codes.iter().zip(&prediction.codes) {
            counts[usize::from(t)][usize::from(p)] += 1;
        }
        Self(counts)
    }

    /// The codes that the true mask holds.
    pub(super) fn truth(&self) -> Seen {
        self.0.map(|row| row.iter().any(|&count| count > 0))
    }

    /// The codes that the predicted mask holds.
    pub(super) fn predicted(&self) -> Seen {
        std::array::from_fn(|code| self.0.iter().any(|row| row[code] > 0))
    }

    /// Pixel counts by true and predicted class.
    pub(super) fn confusion(&self, truth: Encoding, prediction: Encoding) -> Confusion {
        Confusion::from_counts(truth.codes().map(|t| prediction.codes().map(|p| self.0[t][p])))
    }
}

/// Finds how the masks of `folder` store their classes: as `given`, or else in the one way that fits all `files`.
/// `option` is the command-line option that sets it.
pub(super) fn of_folder(
    folder: &Path,
    files: &[(&Path, Seen)],
    given: Option<Encoding>,
    option: &str,
) -> Outcome<Encoding> {
    if let Some(encoding) = given {
        let misfits = misfits(files, encoding);
        if misfits.is_empty() {
            return Ok(encoding);
        }
        let [pet, background, border] = encoding.codes().map(|code| CODES[code]);
        let head = format!(
            "{} of {} masks in {} are not {encoding} ({pet} pet, {background} background, {border} border):",
            misfits.len(),
            files.len(),
            folder.display()
        );
        return Err(Failure::data(listed(&head, &misfits)));
    }
    let fitting: Vec<Encoding> = Encoding::ALL.into_iter().filter(|&e| misfits(files, e).is_empty()).collect();
    if let [encoding] = fitting[..] {
        return Ok(encoding);
    }
    let reason = match fitting[..] {
        [] => "no encoding has all of these, and all masks of a folder have the same one",
        _ => "these fit trimaps (1 pet, 2 background, 3 border) as well as class indices (0, 1, 2)",
    };
    let found = found(files).join(", ");
    Err(Failure::data(format!(
        "cannot tell how the masks in {} store their classes: they hold {found}\n{reason}\nname the encoding with \
         {option} trimap, {option} classes or {option} colours",
        folder.display()
    )))
}

/// The files that hold codes which `encoding` does not have, with these codes.
fn misfits(files: &[(&Path, Seen)], encoding: Encoding) -> Vec<String> {
    let strange = |seen: &Seen| -> Vec<&str> {
        (0..CODES.len()).filter(|&code| seen[code] && !encoding.has(code)).map(|code| CODES[code]).collect()
    };
    let misfit = |(file, seen): &(&Path, Seen)| {
        let strange = strange(seen);
        (!strange.is_empty()).then(|| format!("{} holds {}", file.display(), strange.join(", ")))
    };
    files.iter().filter_map(misfit).collect()
}

/// Every code that any of the files holds, with the first file that holds it.
fn found(files: &[(&Path, Seen)]) -> Vec<String> {
    let first = |code: usize| {
        let (file, _) = files.iter().find(|(_, seen)| seen[code])?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Some(format!("{} ({name})", CODES[code]))
    };
    (0..CODES.len()).filter_map(first).collect()
}
