//! The interface between a data set's own file and the rest of the program.

use super::{DataError, folder::Folder, survey::Survey};
use harness_record::{
    monitor::Monitor,
    vocabulary::{Protocol, Purpose},
};
use std::path::Path;

/// The functions that each data set's file provides for a data set with these options.
pub(super) trait DataSet {
    /// Its folders below the data folder: none, one, or one for each of its parts.
    fn folders(&self) -> Vec<&str>;

    /// The field that names the folder at `place` in [`Self::folders`].
    fn folder_field(&self, _place: usize) -> String {
        "folder".to_owned()
    }

    /// Checks the options, except for folders. The error names the invalid field and the expected value.
    fn check(&self) -> Result<(), (String, String)> {
        Ok(())
    }

    /// True if it has trimaps, so that it can be segmented.
    fn has_trimaps(&self) -> bool {
        false
    }

    /// The purposes that together read all of its pictures, each picture once.
    fn purposes(&self) -> Vec<Purpose> {
        vec![if self.has_trimaps() { Purpose::Segmentation } else { Purpose::Pretraining }]
    }

    /// True if the program draws its pictures.
    fn is_drawn(&self) -> bool {
        false
    }

    /// True if it is the corpus that the published work pretrained on.
    fn is_published_corpus(&self) -> bool {
        false
    }

    /// The same data set with the protocol's choices written out. `None` if the protocol decides nothing.
    fn under(&self, _protocol: Protocol) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// A short description for the report.
    fn describe(&self) -> String;

    /// The data set in `folder` (below the data folder), if it is the one that reads a manifest's `layout`.
    fn of_layout(layout: &str, folder: &str) -> Option<Self>
    where
        Self: Sized;

    /// Opens its folders.
    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError>;

    /// Finds the files that are read for `purpose`, and hashes them. A data set without trimaps is only asked for
    /// pretraining.
    fn survey(
        &self,
        purpose: Purpose,
        data_dir: &Path,
        cache: &Path,
        monitor: &dyn Monitor,
    ) -> Result<Survey, DataError>;
}

/// Refuses a list that is empty or contains an item twice.
pub(super) fn each_once<T: PartialEq>(field: &str, items: &[T], what: &str) -> Result<(), (String, String)> {
    if items.is_empty() {
        return Err((field.to_owned(), format!("at least one {what}")));
    }
    match (0..items.len()).find(|&i| items[..i].contains(&items[i])) {
        Some(i) => Err((format!("{field}[{i}]"), format!("each {what} once"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::datasets::{CatsAndDogs, DatasetSpec, OxfordIiitPet, PetsCorpus};

    #[test]
    fn a_spec_is_the_name_of_a_data_set_with_its_options() {
        let read = |text: &str| serde_json::from_str::<DatasetSpec>(text);
        assert_eq!(
            read(r#"{"oxford-iiit-pet": {}}"#).unwrap(),
            DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "oxford-iiit-pet".into() })
        );
        assert_eq!(
            read(r#"{"cats-and-dogs": {"per_class": 50}}"#).unwrap(),
            DatasetSpec::CatsAndDogs(CatsAndDogs { folder: "cats-and-dogs/PetImages".into(), per_class: Some(50) })
        );
        let error = read(r#"{"synthetic-pets": {"trainval": 1, "test": 1, "unlabeled": 1}}"#).unwrap_err();
        assert!(error.to_string().contains("unlabelled"), "{error}");
    }

    #[test]
    fn each_layout_is_read_by_one_data_set() {
        let of = |layout: &str| DatasetSpec::of_layout(layout, "some/folder");
        for (layout, name) in [
            ("oxford-iiit-pet", "oxford-iiit-pet"),
            ("class-folders", "cats-and-dogs"),
            ("cats-and-dogs-filtered", "cats-and-dogs-filtered"),
            ("cifar-10", "cifar-10"),
            ("stanford-dogs", "stanford-dogs"),
        ] {
            let spec = of(layout).unwrap();
            assert_eq!((spec.name(), spec.folders()), (name, vec!["some/folder"]));
            assert_eq!((spec.check(), spec.is_drawn()), (Ok(()), false));
        }
        // The folder is ignored: the first has its own folders, and the second has none.
        assert_eq!(of("parts"), Some(DatasetSpec::PetsCorpus(PetsCorpus::default())));
        let drawn = of("drawn").unwrap();
        assert_eq!((drawn.folders().len(), drawn.is_drawn(), drawn.purposes().len()), (0, true, 2));
        assert_eq!(of("weights"), None);
    }
}
