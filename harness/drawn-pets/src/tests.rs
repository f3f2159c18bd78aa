use super::*;
use harness_record::digest;
use rayon::prelude::*;
use std::collections::BTreeSet;

const STREAMS: [&str; 3] = ["trainval", "test", "unlabelled"];

fn shares(picture: &Drawn) -> [f64; 3] {
    [0, 1, 2].map(|class| {
        picture.classes.iter().map(|&c| f64::from(u8::from(c == class))).sum::<f64>() / picture.classes.len() as f64
    })
}

#[test]
fn pictures_are_those_of_this_version() {
    let pinned = [
        ("trainval", 0, "dd508c7cf21c3124f6ca6dc2aad1d6b82c3d1ab649d5304cd08ca10eff249588"),
        ("trainval", 11, "ab3e08ad998f3b559fd096e5d324a2b8550df6257898f18efea7aa2719896947"),
        ("test", 3, "9b1263689e61994d1d9c14cbe4bad6f69caade2f1edd7597afcfc38b67e4c5c0"),
        ("unlabelled", 25, "b025008c11e92bedbe79fc5679349586231e9138273a50cb77e8f84239ae34d7"),
    ];
    for (stream, index, expected) in pinned {
        let Drawn { rgb, classes, .. } = draw(0, stream, index, 64);
        let found = digest::of_bytes(&[rgb, classes].concat());
        assert_eq!(found, expected, "{stream} {index} is not as in version {VERSION}: raise VERSION, then pin anew");
    }
}

#[test]
fn same_words_same_picture_and_any_other_word_another() {
    let picture = draw(1, "trainval", 5, 48);
    assert_eq!(picture, draw(1, "trainval", 5, 48));
    for other in [draw(2, "trainval", 5, 48), draw(1, "test", 5, 48), draw(1, "trainval", 6, 48)] {
        assert_ne!(picture.rgb, other.rgb);
        assert_ne!(picture.classes, other.classes);
    }
}

#[test]
fn threads_do_not_matter() {
    let one_by_one: Vec<_> = (0..40).map(|i| draw(0, "unlabelled", i, 32)).collect();
    let together: Vec<_> = (0..40).into_par_iter().map(|i| draw(0, "unlabelled", i, 32)).collect();
    assert_eq!(one_by_one, together);
}

#[test]
fn every_picture_has_a_pet_and_its_border() {
    for stream in STREAMS {
        (0..200u32).into_par_iter().for_each(|index| {
            let picture = draw(3, stream, index, 64);
            assert_eq!((picture.rgb.len(), picture.classes.len()), (64 * 64 * 3, 64 * 64));
            assert!(picture.classes.iter().all(|&class| class <= 2));
            let [pet, background, border] = shares(&picture);
            assert!(pet >= 0.04 && background > 0.0 && border > 0.0, "{stream} {index}: {pet} {background} {border}");
        });
    }
}

#[test]
fn shares_are_like_those_of_the_photographs() {
    let pictures: Vec<_> = (0..300u32).into_par_iter().map(|index| shares(&draw(0, "trainval", index, 64))).collect();
    let [pet, background, border] =
        [0, 1, 2].map(|class| pictures.iter().map(|shares| shares[class]).sum::<f64>() / pictures.len() as f64);
    assert!((0.28..=0.33).contains(&pet), "pet {pet}");
    assert!((0.55..=0.62).contains(&background), "background {background}");
    assert!((0.10..=0.13).contains(&border), "border {border}");
}

#[test]
fn all_breeds_occur_with_their_species() {
    for stream in STREAMS {
        let drawn: Vec<_> = (5..42).map(|index| draw(0, stream, index, 16)).collect();
        assert_eq!(drawn.iter().map(|picture| picture.breed).collect::<BTreeSet<_>>().len(), 37);
        for picture in drawn {
            let capital = picture.breed.starts_with(char::is_uppercase);
            assert_eq!(picture.species == Species::Cat, capital, "{}", picture.breed);
        }
    }
    assert_eq!(BREEDS.iter().filter(|breed| breed.species() == Species::Cat).count(), 12);
    assert!(BREEDS.iter().map(Breed::name).is_sorted_by_key(|name| (name.starts_with(char::is_lowercase), name)));
}

#[test]
fn another_size_shows_the_same_scene() {
    for index in 0..10 {
        let (small, large) = (draw(0, "test", index, 32), draw(0, "test", index, 64));
        let agree = (0..32 * 32).filter(|i| {
            let (x, y) = (i % 32, i / 32);
            small.classes[*i] == large.classes[2 * y * 64 + 2 * x]
        });
        let share = agree.count() as f64 / 1024.0;
        assert!(share > 0.85, "{index}: {share}");
    }
}
