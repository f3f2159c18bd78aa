//! Finds real photographs, if there are any.

use super::*;

/// The folder of real photographs. If there is none, prints a line that says so.
pub(super) fn photographs(set: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("HARNESS_DATA").map_or(beside, PathBuf::from);
    if data.join(set).is_dir() {
        return Some(data);
    }
    eprintln!("skipped: there is no {set} in HARNESS_DATA, nor in shared/data beside the workspace");
    None
}

#[test]
fn the_sample_of_oxford_iiit_pet_is_read_whole() {
    let Some(data) = photographs("pets-sample") else { return };
    let cache = tempfile::tempdir().unwrap();
    let spec = DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "pets-sample".into() });
    let survey = survey(&spec, Purpose::Segmentation, &data, cache.path(), &Silent).unwrap();
    let pictures = load(&spec, Purpose::Segmentation, &survey, &data, cache.path(), 64, &Silent).unwrap();
    let of = |part| pictures.items.iter().filter(|item| item.part == part).count();
    assert_eq!((of(Part::Trainval), of(Part::Test)), (300, 298));
    assert_eq!(
        left_out(&pictures),
        ["unused images/Abyssinian_34.jpg: in no list file", "unused images/Abyssinian_82.jpg: in no list file"]
    );
}

#[test]
fn a_subset_of_the_cats_and_dogs_is_drawn() {
    let Some(data) = photographs("cats-and-dogs-10k") else { return };
    let cache = tempfile::tempdir().unwrap();
    let folder = "cats-and-dogs-10k/PetImages".into();
    let spec = DatasetSpec::CatsAndDogs(CatsAndDogs { folder, per_class: Some(50) });
    let survey = survey(&spec, Purpose::Pretraining, &data, cache.path(), &Silent).unwrap();
    let pictures = load(&spec, Purpose::Pretraining, &survey, &data, cache.path(), 32, &Silent).unwrap();
    assert_eq!((pictures.items.len(), pictures.left_out.len()), (100, 0));
    assert_eq!(survey.not_drawn, 9_899);
}
