//! The 37 breeds of Oxford-IIIT Pet: proportions, coats, faces.

use super::coat::{Coat, Colour, Face, Pattern};

/// Cat or dog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Species {
    /// The 12 breeds whose names begin with a capital letter in Oxford-IIIT Pet.
    Cat,
    /// The other 25 breeds.
    Dog,
}

/// Shape of an ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ear {
    /// Upright, like those of all cats here.
    Pointed,
    /// Upright with the tip bent forward.
    Folded,
    /// Beside the cheek.
    Hanging,
}

/// Shape of a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Thin,
    Plume,
    /// Rolled over the back.
    Curled,
    Stub,
}

/// Proportions, in units of about the length of a retriever's trunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    pub(super) leg: f32,
    pub(super) length: f32,
    /// Radius of the chest.
    pub(super) bulk: f32,
    /// Radius of the skull; the next four are in units of it.
    pub(super) head: f32,
    pub(super) snout: f32,
    pub(super) jowl: f32,
    pub(super) skull: f32,
    pub(super) ear_size: f32,
    pub(super) ear: Ear,
    pub(super) tail: Tail,
}

/// A breed of cat or dog: its name, and how to draw it.
#[derive(Clone, Copy, Debug)]
pub struct Breed {
    name: &'static str,
    species: Species,
    pub(super) build: Build,
    pub(super) coat: Coat,
}

impl Breed {
    /// Name with the spelling of Oxford-IIIT Pet. Names of cats are capitalised.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Cat or dog.
    pub const fn species(&self) -> Species {
        self.species
    }

    /// `bulk` of the chest, radius of the `head`, size of the ears.
    const fn cat(name: &'static str, bulk: f32, head: f32, ear_size: f32, coat: Coat) -> Self {
        let build = Build {
            leg: 0.36,
            length: 0.62,
            bulk,
            head,
            snout: 0.05,
            jowl: 0.8,
            skull: 0.18,
            ear_size,
            ear: Ear::Pointed,
            tail: if coat.fur > 0.6 { Tail::Plume } else { Tail::Thin },
        };
        Self { name, species: Species::Cat, build, coat }
    }

    /// `body` is length of leg, length of trunk, radius of chest; `head` is radius of skull, length of snout, width of jowls.
    const fn dog(name: &'static str, body: [f32; 3], head: [f32; 3], ear: (Ear, f32), tail: Tail, coat: Coat) -> Self {
        let ([leg, length, bulk], [head, snout, jowl], (ear, ear_size)) = (body, head, ear);
        let build = Build { leg, length, bulk, head, snout, jowl, skull: 0.12, ear_size, ear, tail };
        Self { name, species: Species::Dog, build, coat }
    }
}

const BLACK: Colour = [0.16, 0.15, 0.15];
const INK: Colour = [0.25, 0.23, 0.24];
const CHOCOLATE: Colour = [0.30, 0.20, 0.14];
const SEAL: Colour = [0.27, 0.21, 0.18];
const BROWN: Colour = [0.46, 0.32, 0.20];
const RED: Colour = [0.58, 0.37, 0.22];
const RUST: Colour = [0.69, 0.48, 0.29];
const TAN: Colour = [0.74, 0.58, 0.41];
const GOLD: Colour = [0.80, 0.64, 0.43];
const WHEAT: Colour = [0.87, 0.75, 0.55];
const CREAM: Colour = [0.90, 0.84, 0.72];
const WHITE: Colour = [0.95, 0.94, 0.91];
const SILVER: Colour = [0.70, 0.70, 0.69];
const GREY: Colour = [0.48, 0.48, 0.49];
const BLUE_GREY: Colour = [0.46, 0.50, 0.56];
const PINK: Colour = [0.85, 0.66, 0.58];

const BLUE_EYES: Colour = [0.35, 0.62, 0.88];
const GREEN_EYES: Colour = [0.52, 0.74, 0.30];
const AMBER_EYES: Colour = [0.88, 0.60, 0.14];
const BROWN_EYES: Colour = [0.22, 0.13, 0.08];

/// A dog's coat. Most dogs have brown eyes.
const fn dog_coat(pattern: Pattern, face: Face, colours: [Colour; 3], fur: f32) -> Coat {
    Coat { pattern, face, colours, eyes: BROWN_EYES, fur, curly: false }
}

/// A cat's coat.
const fn cat_coat(pattern: Pattern, face: Face, colours: [Colour; 3], eyes: Colour, fur: f32) -> Coat {
    Coat { pattern, face, colours, eyes, fur, curly: false }
}

const fn curly(coat: Coat) -> Coat {
    Coat { curly: true, ..coat }
}

use {Ear as E, Face as F, Pattern as P, Tail as T};

const CATS: [Breed; 12] = [
    Breed::cat(
        "Abyssinian",
        0.16,
        0.17,
        1.2,
        cat_coat(P::Shaded, F::PaleMuzzle, [RUST, BROWN, WHEAT], AMBER_EYES, 0.2),
    ),
    Breed::cat("Bengal", 0.18, 0.18, 0.9, cat_coat(P::Spots, F::Mackerel, [GOLD, SEAL, CREAM], GREEN_EYES, 0.15)),
    Breed::cat("Birman", 0.19, 0.20, 0.85, cat_coat(P::Points, F::Mask, [CREAM, SEAL, WHITE], BLUE_EYES, 0.8)),
    Breed::cat("Bombay", 0.18, 0.19, 0.95, cat_coat(P::Plain, F::Plain, [BLACK, INK, INK], AMBER_EYES, 0.15)),
    Breed::cat(
        "British_Shorthair",
        0.22,
        0.23,
        0.7,
        cat_coat(P::Plain, F::Plain, [BLUE_GREY, GREY, SILVER], AMBER_EYES, 0.4),
    ),
    Breed::cat(
        "Egyptian_Mau",
        0.16,
        0.17,
        1.05,
        cat_coat(P::Spots, F::Mackerel, [SILVER, INK, WHITE], GREEN_EYES, 0.15),
    ),
    Breed::cat("Maine_Coon", 0.22, 0.20, 1.25, cat_coat(P::Tabby, F::Mackerel, [BROWN, BLACK, TAN], GREEN_EYES, 1.0)),
    Breed::cat("Persian", 0.22, 0.24, 0.55, cat_coat(P::Shaded, F::Plain, [WHITE, CREAM, WHITE], AMBER_EYES, 1.1)),
    Breed::cat("Ragdoll", 0.21, 0.21, 0.8, cat_coat(P::Points, F::Blaze, [CREAM, GREY, WHITE], BLUE_EYES, 0.9)),
    Breed::cat(
        "Russian_Blue",
        0.16,
        0.18,
        1.1,
        cat_coat(P::Plain, F::Plain, [GREY, BLUE_GREY, SILVER], GREEN_EYES, 0.25),
    ),
    Breed::cat("Siamese", 0.15, 0.17, 1.35, cat_coat(P::Points, F::Mask, [WHEAT, SEAL, CREAM], BLUE_EYES, 0.1)),
    Breed::cat("Sphynx", 0.15, 0.17, 1.5, cat_coat(P::Wrinkled, F::Plain, [PINK, TAN, PINK], GREEN_EYES, 0.0)),
];

#[rustfmt::skip] // each breed takes three lines: body; head and tail; coat
const DOGS: [Breed; 25] = [
    Breed::dog("american_bulldog",
        [0.44, 0.72, 0.27], [0.25, 0.30, 1.25], (E::Folded, 0.6), T::Thin,
        dog_coat(P::Patches, F::Patch, [WHITE, BROWN, WHITE], 0.1)),
    Breed::dog("american_pit_bull_terrier",
        [0.48, 0.70, 0.24], [0.22, 0.40, 1.15], (E::Folded, 0.7), T::Thin,
        dog_coat(P::Bicolour, F::Blaze, [GREY, INK, WHITE], 0.1)),
    Breed::dog("basset_hound",
        [0.20, 0.92, 0.24], [0.22, 0.75, 1.10], (E::Hanging, 1.5), T::Thin,
        dog_coat(P::Saddle, F::Blaze, [RUST, BLACK, WHITE], 0.1)),
    Breed::dog("beagle",
        [0.42, 0.72, 0.22], [0.20, 0.60, 0.90], (E::Hanging, 1.0), T::Thin,
        dog_coat(P::Saddle, F::Blaze, [RUST, BLACK, WHITE], 0.1)),
    Breed::dog("boxer",
        [0.56, 0.70, 0.25], [0.22, 0.25, 1.25], (E::Folded, 0.9), T::Stub,
        dog_coat(P::Bicolour, F::Mask, [RUST, BLACK, WHITE], 0.05)),
    Breed::dog("chihuahua",
        [0.36, 0.52, 0.17], [0.20, 0.30, 0.70], (E::Pointed, 1.35), T::Thin,
        dog_coat(P::Shaded, F::PaleMuzzle, [TAN, BROWN, CREAM], 0.15)),
    Breed::dog("english_cocker_spaniel",
        [0.40, 0.68, 0.22], [0.20, 0.60, 0.95], (E::Hanging, 1.5), T::Stub,
        curly(dog_coat(P::Plain, F::Plain, [GOLD, RED, GOLD], 0.7))),
    Breed::dog("english_setter",
        [0.54, 0.80, 0.22], [0.19, 0.85, 0.90], (E::Hanging, 1.1), T::Plume,
        dog_coat(P::Flecked, F::Patch, [WHITE, INK, WHITE], 0.7)),
    Breed::dog("german_shorthaired",
        [0.56, 0.78, 0.23], [0.19, 0.85, 0.95], (E::Hanging, 1.0), T::Stub,
        dog_coat(P::Flecked, F::Hood, [SILVER, CHOCOLATE, CHOCOLATE], 0.05)),
    Breed::dog("great_pyrenees",
        [0.50, 0.82, 0.29], [0.23, 0.55, 1.00], (E::Hanging, 0.7), T::Plume,
        dog_coat(P::Shaded, F::Plain, [WHITE, CREAM, WHITE], 1.1)),
    Breed::dog("havanese",
        [0.28, 0.64, 0.23], [0.23, 0.35, 1.00], (E::Hanging, 1.1), T::Curled,
        curly(dog_coat(P::Patches, F::Patch, [CREAM, GREY, WHITE], 1.3))),
    Breed::dog("japanese_chin",
        [0.30, 0.56, 0.20], [0.22, 0.08, 0.90], (E::Hanging, 0.9), T::Plume,
        dog_coat(P::Patches, F::Blaze, [WHITE, BLACK, WHITE], 0.9)),
    Breed::dog("keeshond",
        [0.40, 0.62, 0.26], [0.21, 0.45, 0.80], (E::Pointed, 0.75), T::Curled,
        dog_coat(P::Saddle, F::Mask, [SILVER, INK, CREAM], 1.2)),
    Breed::dog("leonberger",
        [0.50, 0.84, 0.28], [0.22, 0.60, 1.05], (E::Hanging, 0.9), T::Plume,
        dog_coat(P::Shaded, F::Mask, [RUST, BLACK, TAN], 1.0)),
    Breed::dog("miniature_pinscher",
        [0.50, 0.56, 0.17], [0.17, 0.65, 0.75], (E::Pointed, 1.1), T::Stub,
        dog_coat(P::TanPoints, F::PaleMuzzle, [BLACK, INK, RUST], 0.05)),
    Breed::dog("newfoundland",
        [0.48, 0.84, 0.30], [0.25, 0.50, 1.15], (E::Hanging, 0.8), T::Plume,
        dog_coat(P::Plain, F::Plain, [BLACK, CHOCOLATE, INK], 1.1)),
    Breed::dog("pomeranian",
        [0.28, 0.46, 0.27], [0.19, 0.30, 0.65], (E::Pointed, 0.6), T::Curled,
        dog_coat(P::Shaded, F::Plain, [RUST, RED, CREAM], 1.5)),
    Breed::dog("pug",
        [0.34, 0.56, 0.24], [0.24, 0.05, 1.15], (E::Folded, 0.65), T::Curled,
        dog_coat(P::Plain, F::Mask, [WHEAT, BLACK, WHEAT], 0.1)),
    Breed::dog("saint_bernard",
        [0.50, 0.82, 0.30], [0.26, 0.45, 1.30], (E::Hanging, 0.85), T::Plume,
        dog_coat(P::Patches, F::BlazeMask, [WHITE, RED, WHITE], 0.7)),
    Breed::dog("samoyed",
        [0.44, 0.70, 0.29], [0.22, 0.50, 0.85], (E::Pointed, 0.75), T::Curled,
        dog_coat(P::Plain, F::Plain, [WHITE, CREAM, WHITE], 1.4)),
    Breed::dog("scottish_terrier",
        [0.20, 0.66, 0.24], [0.21, 0.95, 1.00], (E::Pointed, 0.9), T::Thin,
        dog_coat(P::Plain, F::Plain, [BLACK, INK, GREY], 1.0)),
    Breed::dog("shiba_inu",
        [0.44, 0.62, 0.23], [0.21, 0.45, 0.80], (E::Pointed, 0.8), T::Curled,
        dog_coat(P::Bicolour, F::PaleMuzzle, [RUST, RED, CREAM], 0.5)),
    Breed::dog("staffordshire_bull_terrier",
        [0.38, 0.66, 0.25], [0.23, 0.30, 1.25], (E::Folded, 0.65), T::Thin,
        dog_coat(P::Brindle, F::Blaze, [BROWN, BLACK, WHITE], 0.1)),
    Breed::dog("wheaten_terrier",
        [0.44, 0.64, 0.23], [0.22, 0.60, 1.05], (E::Folded, 0.9), T::Thin,
        curly(dog_coat(P::Plain, F::Plain, [WHEAT, GOLD, CREAM], 1.1))),
    Breed::dog("yorkshire_terrier",
        [0.26, 0.56, 0.20], [0.20, 0.35, 0.85], (E::Pointed, 0.85), T::Stub,
        dog_coat(P::Saddle, F::Plain, [TAN, BLUE_GREY, GOLD], 1.2)),
];

/// The 37 breeds, cats first, each species in the order of its names.
pub const BREEDS: [Breed; 37] = {
    let mut all = [CATS[0]; 37];
    let mut i = 0;
    while i < 37 {
        all[i] = if i < 12 { CATS[i] } else { DOGS[i - 12] };
        i += 1;
    }
    all
};
