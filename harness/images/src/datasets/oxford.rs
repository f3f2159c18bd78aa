//! Oxford-IIIT Pet in its official layout.
//!
//! Parkhi, Vedaldi, Zisserman, Jawahar: "Cats and Dogs", CVPR 2012.

use super::{
    DataError, DataSet, Files, Folder, Item, Part, Source, Survey, digest_of, folder::picture_name, hashes::Hashes,
    known::Kind, lists, row,
};
use harness_record::{
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Purpose},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The default folder.
pub(super) const FOLDER: &str = "oxford-iiit-pet";

const IMAGES: &str = "images";
const TRIMAPS: &str = "annotations/trimaps";
const TRAINVAL: &str = "annotations/trainval.txt";
const TEST: &str = "annotations/test.txt";
const LIST: &str = "annotations/list.txt";

const EXPECTED: &str = "images/<Breed>_<n>.jpg, annotations/trimaps/<Breed>_<n>.png, \
    annotations/trainval.txt and annotations/test.txt";
const SOURCE: &str = "unpack images.tar.gz (md5 5c4f3ee8e5d25df40f4fd59a7f44e54c) and annotations.tar.gz \
    (md5 95a8c909bbe2e81eed6a22bccdf3f68f) of https://thor.robots.ox.ac.uk/datasets/pets/ \
    or https://www.robots.ox.ac.uk/~vgg/data/pets/data/ there";

/// The location of Oxford-IIIT Pet.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct OxfordIiitPet {
    /// Folder below the data folder that holds `images/` and `annotations/`.
    #[serde(default = "oxford_folder")]
    pub folder: String,
}

impl Default for OxfordIiitPet {
    fn default() -> Self {
        Self { folder: oxford_folder() }
    }
}

fn oxford_folder() -> String {
    FOLDER.into()
}

impl DataSet for OxfordIiitPet {
    fn folders(&self) -> Vec<&str> {
        vec![&self.folder]
    }

    fn has_trimaps(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        format!("Oxford-IIIT Pet in {}", self.folder)
    }

    fn of_layout(layout: &str, folder: &str) -> Option<Self> {
        (layout == "oxford-iiit-pet").then(|| Self { folder: folder.to_owned() })
    }

    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(vec![folder(self, data_dir)?])
    }

    /// For segmentation, takes all listed images that have a trimap. For pretraining, takes the images of
    /// `trainval.txt`, with or without a trimap. Pretraining never sees the test images.
    fn survey(
        &self,
        purpose: Purpose,
        data_dir: &Path,
        cache: &Path,
        monitor: &dyn Monitor,
    ) -> Result<Survey, DataError> {
        let folder = folder(self, data_dir)?;
        let layout = Layout::read(&folder)?;
        let (chosen, left_out) = layout.choose(purpose);

        let mut names: Vec<String> = layout.list_files.iter().map(|&name| name.to_owned()).collect();
        for (_, image, trimap) in &chosen {
            names.push(image.clone());
            names.extend(trimap.clone());
        }
        let mut hashes = Hashes::open(cache, &folder);
        let mut hashed = hashes.of(&names, monitor)?.into_iter();
        hashes.save()?;

        let list_hashes: Vec<_> = hashed.by_ref().take(layout.list_files.len()).collect();
        let mut sources = Vec::with_capacity(chosen.len());
        for (item, _, trimap) in chosen {
            let files = match (hashed.next(), trimap.and_then(|_| hashed.next())) {
                (Some(image), Some(trimap)) => Files::PictureAndTrimap(image, trimap),
                (Some(image), None) => Files::Picture(image),
                (None, _) => break,
            };
            sources.push(Source { item, folder: 0, files });
        }
        sources.sort_by(|a, b| (a.item.part, &a.item.name).cmp(&(b.item.part, &b.item.name)));
        let digest = digest_of(&json!({ "oxford-iiit-pet": { "purpose": purpose } }), &sources, &list_hashes)?;
        Ok(Survey { left_out, ..Survey::of(digest, sources) })
    }
}

/// Opens its folder if the whole layout is there.
fn folder(spec: &OxfordIiitPet, data_dir: &Path) -> Result<Folder, DataError> {
    let required = [(IMAGES, Kind::Folder), (TRIMAPS, Kind::Folder), (TRAINVAL, Kind::File), (TEST, Kind::File)];
    Folder::holding(data_dir, &spec.folder, FOLDER, &required)?.map_err(|missing| DataError::Missing {
        folder: data_dir.join(&spec.folder),
        missing,
        expected: EXPECTED,
        source_of_data: SOURCE,
    })
}

/// The files of the folder, by the stem of their names.
struct Layout {
    trainval: lists::List,
    test: lists::List,
    list: lists::List,
    list_files: Vec<&'static str>,
    images: BTreeMap<String, Kind>,
    trimaps: BTreeMap<String, Kind>,
    /// Pictures in the folder of images that do not belong to this data set.
    strange: Vec<FileRow>,
}

/// An item, its image's file, and its trimap's.
type Chosen = (Item, String, Option<String>);

impl Layout {
    fn read(folder: &Folder) -> Result<Self, DataError> {
        let mut list_files = vec![TRAINVAL, TEST];
        let trainval = lists::read(folder, TRAINVAL)?;
        let test = lists::read(folder, TEST)?;
        lists::disjoint(folder, (TRAINVAL, &trainval), (TEST, &test))?;
        let list = if folder.kind(LIST)? == Some(Kind::File) {
            list_files.push(LIST);
            lists::read(folder, LIST)?
        } else {
            lists::List::new()
        };
        let (mut images, mut strange) = (BTreeMap::new(), Vec::new());
        for (file, kind) in folder.list(IMAGES)? {
            match picture_name(&file) {
                None => {}
                Some((stem, _)) if file == format!("{stem}.jpg") => {
                    images.insert(stem.to_owned(), kind);
                }
                Some((stem, ending)) => {
                    let reason =
                        format!("ends in .{ending}; the images of this data set end in .jpg, whatever their format is");
                    let group = lists::breed(stem).unwrap_or_default();
                    strange.push(row(FileUse::Unused, format!("{IMAGES}/{file}"), group, reason));
                }
            }
        }
        let trimap = |(file, kind): (String, Kind)| Some((file.strip_suffix(".png")?.to_owned(), kind));
        let trimaps = folder.list(TRIMAPS)?.into_iter().filter_map(trimap).collect();
        Ok(Self { trainval, test, list, list_files, images, trimaps, strange })
    }

    /// The images to use, and a row for every other image and for every entry without an image.
    fn choose(&self, purpose: Purpose) -> (Vec<Chosen>, Vec<FileRow>) {
        let (mut chosen, mut left_out) = (Vec::new(), self.strange.clone());
        for (stem, kind) in &self.images {
            let (name, group) = (format!("{IMAGES}/{stem}.jpg"), lists::breed(stem).unwrap_or_default());
            match self.judge(stem, *kind, purpose) {
                Ok((part, trimap)) => {
                    chosen.push((Item { name: name.clone(), group: group.to_owned(), part }, name, trimap));
                }
                Err(reason) => left_out.push(row(FileUse::Unused, name, group, reason)),
            }
        }
        let mut absent = BTreeSet::new();
        for (file, list) in [(TRAINVAL, &self.trainval), (TEST, &self.test), (LIST, &self.list)] {
            for (stem, line) in list {
                if !self.images.contains_key(stem) && absent.insert(stem) {
                    let reason = format!("listed in line {line} of {file}, but there is no such file");
                    let group = lists::breed(stem).unwrap_or_default();
                    left_out.push(row(FileUse::Skipped, format!("{IMAGES}/{stem}.jpg"), group, reason));
                }
            }
        }
        (chosen, left_out)
    }

    /// Part and trimap of an image, or the reason that it is not used.
    fn judge(&self, stem: &str, kind: Kind, purpose: Purpose) -> Result<(Part, Option<String>), String> {
        const LINK: &str = "a symbolic link that leads out of the data set's folder";
        match kind {
            Kind::File => {}
            Kind::Folder => return Err("a folder".into()),
            Kind::Outside => return Err(LINK.into()),
        }
        let part = if self.trainval.contains_key(stem) {
            Part::Trainval
        } else if self.test.contains_key(stem) {
            Part::Test
        } else if let Some(line) = self.list.get(stem) {
            return Err(format!("in line {line} of {LIST}, but neither in {TRAINVAL} nor in {TEST}"));
        } else {
            return Err("in no list file".into());
        };
        match (purpose, part) {
            (Purpose::Pretraining, Part::Test) => Err("a test image, which pretraining must not see".into()),
            (Purpose::Pretraining, _) => Ok((Part::Unlabelled, None)),
            (Purpose::Segmentation, part) => match self.trimaps.get(stem) {
                Some(Kind::File) => Ok((part, Some(format!("{TRIMAPS}/{stem}.png")))),
                Some(Kind::Outside) => Err(format!("its trimap is {LINK}")),
                Some(Kind::Folder) | None => Err(format!("no trimap: there is no file {TRIMAPS}/{stem}.png")),
            },
        }
    }
}
