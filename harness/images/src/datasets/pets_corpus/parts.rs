//! The parts of the published corpus, and the pictures taken from each.

use super::{CorpusFolders, spec::NAMES};
use crate::datasets::{
    DataError, Files, Folder, cats_and_dogs, cats_and_dogs_filtered, cifar_10, class_folders, hashes::Hashes,
    known::Kind, row, stanford_dogs,
};
use harness_record::{monitor::Monitor, rows::FileRow, vocabulary::FileUse};
use std::path::Path;

pub(super) const CATS: &str = "cat";
pub(super) const DOGS: &str = "dog";

/// Places of the folders in [`CorpusFolders::all`] and [`NAMES`].
const CIFAR_10: usize = 0;
const FILTERED: usize = 1;
const MICROSOFT: usize = 2;
const STANFORD: usize = 3;

/// Folder of the filtered set's cats for training.
const FILTERED_CATS: &str = "cats_and_dogs_filtered/train/cats";
/// Folder of Microsoft's cats.
const MICROSOFT_CATS: &str = "Cat";

/// A folder, a class, and the number of usable pictures that the published corpus has of them. One of Microsoft's
/// 12,500 cats is an empty file.
const PUBLISHED: [(usize, &str, usize); 5] = [
    (CIFAR_10, CATS, 5_000),
    (FILTERED, CATS, 1_000),
    (MICROSOFT, CATS, 12_499),
    (CIFAR_10, DOGS, 5_000),
    (STANFORD, DOGS, 20_580),
];

const EXPECTED: &str = "the four data sets of which the corpus is made, each in its own layout";
const SOURCE: &str = "`harness data fetch pets-corpus` fetches all of them; \
    `dataset: {pets-corpus: {folders: {…}}}` names other folders";

/// A picture that may be used.
pub(super) struct Candidate {
    /// Its part and its name in that part.
    pub name: String,
    /// [`CATS`] or [`DOGS`].
    pub class: &'static str,
    /// Place of its folder.
    pub folder: usize,
    /// Its content. `None` if the picture is damaged.
    pub content: Option<Usable>,
}

/// A picture that can be used.
pub(super) struct Usable {
    pub files: Files,
    /// Digest of its pixels.
    pub pixels: String,
}

/// All pictures of all parts, and rows for the files that are not used.
pub(super) struct Gathered {
    pub candidates: Vec<Candidate>,
    pub left_out: Vec<FileRow>,
}

/// Opens the folders of all parts. The error lists everything that is missing in any of them.
pub(super) fn open(folders: &CorpusFolders, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
    let (filtered, microsoft) = ([(FILTERED_CATS, Kind::Folder)], [(MICROSOFT_CATS, Kind::Folder)]);
    let looked = [
        cifar_10::look(&folders.cifar_10, data_dir)?,
        Folder::holding(data_dir, &folders.cats_and_dogs_filtered, cats_and_dogs_filtered::FOLDER, &filtered)?,
        Folder::holding(data_dir, &folders.cats_and_dogs, cats_and_dogs::FOLDER, &microsoft)?,
        stanford_dogs::look(&folders.stanford_dogs, data_dir)?,
    ];
    let (mut opened, mut missing) = (Vec::new(), Vec::new());
    for (look, place) in looked.into_iter().zip(folders.all()) {
        match look {
            Ok(folder) => opened.push(folder),
            Err(absent) => missing.extend(absent.into_iter().map(|what| match what.as_str() {
                "the folder" => format!("{place}/"),
                _ => format!("{place}/{what}"),
            })),
        }
    }
    if missing.is_empty() {
        return Ok(opened);
    }
    Err(DataError::Missing { folder: data_dir.to_owned(), missing, expected: EXPECTED, source_of_data: SOURCE })
}

/// Finds and checks the pictures of all parts.
pub(super) fn gather(folders: &[Folder], cache: &Path, monitor: &dyn Monitor) -> Result<Gathered, DataError> {
    let mut gathered = Gathered { candidates: Vec::new(), left_out: Vec::new() };
    gathered.records(&folders[CIFAR_10], monitor)?;
    let filtered = class_folders::pictures(&folders[FILTERED], FILTERED_CATS, CATS)?;
    let microsoft = class_folders::pictures(&folders[MICROSOFT], MICROSOFT_CATS, CATS)?;
    let (breeds, rows) = stanford_dogs::breeds(&folders[STANFORD])?;
    let stanford = (breeds.into_iter().flat_map(|breed| breed.files).collect(), rows);
    for (place, class, found) in [(FILTERED, CATS, filtered), (MICROSOFT, CATS, microsoft), (STANFORD, DOGS, stanford)]
    {
        let mut hashes = Hashes::open(cache, &folders[place]);
        gathered.pictures(place, class, found, &mut hashes, monitor)?;
        hashes.save()?;
    }
    Ok(gathered)
}

impl Gathered {
    fn records(&mut self, folder: &Folder, monitor: &dyn Monitor) -> Result<(), DataError> {
        let wanted = [CATS, DOGS].map(str::to_owned);
        self.candidates.extend(cifar_10::read(folder, Some(&wanted), monitor)?.into_iter().map(|found| Candidate {
            name: format!("{}/{}", NAMES[CIFAR_10], found.record.hash.name),
            class: if found.class == CATS { CATS } else { DOGS },
            folder: CIFAR_10,
            content: Some(Usable { files: Files::Record(found.record), pixels: found.pixels }),
        }));
        Ok(())
    }

    fn pictures(
        &mut self,
        folder: usize,
        class: &'static str,
        (names, outside): (Vec<String>, Vec<FileRow>),
        hashes: &mut Hashes<'_>,
        monitor: &dyn Monitor,
    ) -> Result<(), DataError> {
        let named = |name: &str| format!("{}/{name}", NAMES[folder]);
        self.left_out.extend(outside.into_iter().map(|left| FileRow {
            file: named(&left.file),
            group: class.to_owned(),
            ..left
        }));
        for (file, pixels) in hashes.with_pixels(&names, monitor)? {
            let name = named(&file.name);
            let content = match pixels {
                Ok(pixels) => Some(Usable { files: Files::Picture(file), pixels }),
                Err(reason) => {
                    self.left_out.push(row(FileUse::Skipped, &name, class, reason));
                    None
                }
            };
            self.candidates.push(Candidate { name, class, folder, content });
        }
        Ok(())
    }
}

/// Compares the number of usable pictures of each part with the published one.
pub(super) fn check_counts(candidates: &[Candidate], folders: &[Folder]) -> Result<(), DataError> {
    for (place, class, expected) in PUBLISHED {
        let of = candidates.iter().filter(|candidate| (candidate.folder, candidate.class) == (place, class));
        let (usable, damaged): (Vec<_>, Vec<_>) = of.partition(|candidate| candidate.content.is_some());
        if usable.len() != expected {
            let (found, damaged, path) = (usable.len(), damaged.len(), folders[place].path().to_owned());
            return Err(DataError::Counts { path, part: NAMES[place], class, found, damaged, expected });
        }
    }
    Ok(())
}
