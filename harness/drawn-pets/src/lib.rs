//! `synthetic-pets`: drawn cats and dogs with trimaps, so that every command can be tried without a download.
//!
//! Each picture is a scene of signed distance functions: an animal of one of the 37 breeds of Oxford-IIIT Pet in one of
//! five poses, with things behind and in front of it. The scene is sampled four times per pixel, lit, and put through a
//! camera with faults. The pictures stand in for photographs but do not replace them. Colours and coarse textures of
//! coats recur in the background, so a network has to find outlines, faces and the fine texture of fur. Blurring a
//! picture removes the texture of fur first.
//!
//! A picture depends only on (seed, stream, index). It does not depend on other pictures, on threads, or on the
//! platform's `libm`, because only arithmetic, comparison and `sqrt` are used, which IEEE 754 defines to the last bit.
//! The same picture drawn at another size shows the same scene.

mod breeds;
mod clutter;
mod coat;
mod figure;
mod geometry;
mod head;
mod light;
mod material;
mod noise;
mod pet;
mod poses;
mod scene;
mod trimap;

#[cfg(test)]
mod tests;

pub use breeds::{BREEDS, Breed, Species};

use noise::Draws;
use scene::Scene;

/// Version of the pictures. It is raised when any pixel of any picture changes.
pub const VERSION: u32 = 1;

/// A drawn picture and its truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// `size * size * 3` bytes, row by row, red, green and blue of each pixel together (HWC).
    pub rgb: Vec<u8>,
    /// `size * size` classes, row by row: 0 pet, 1 background, 2 border.
    pub classes: Vec<u8>,
    /// Name of the breed, one of [`BREEDS`].
    pub breed: &'static str,
    /// Cat or dog.
    pub species: Species,
}

/// Draws picture `index` of `stream` (`trainval`, `test`, `unlabelled`), `size` pixels a side.
///
/// Any 37 consecutive pictures show all 37 breeds, so that small sets are balanced.
pub fn draw(seed: u64, stream: &str, index: u32, size: u32) -> Drawn {
    let (version, seed) = (VERSION.to_string(), seed.to_string());
    let first = Draws::new(&["synthetic-pets", &version, &seed, stream]).below(BREEDS.len());
    // 16 and 37 have no common factor, so the steps reach every breed, and neighbours differ.
    let breed = &BREEDS[(first + 16 * (index as usize % BREEDS.len())) % BREEDS.len()];
    let mut draws = Draws::new(&["synthetic-pets", &version, &seed, stream, &index.to_string()]);
    let scene = Scene::drawn(breed, &mut draws);
    let (light, on_pet) = expose(&scene, size as usize);
    Drawn {
        rgb: scene.camera.develop(&light, size as usize),
        classes: trimap::classes(&on_pet, size as usize),
        breed: breed.name(),
        species: breed.species(),
    }
}

/// Mean light of each of `size * size` pixels, and for each sample (`SAMPLES` times as many per side) true if it is on
/// the pet.
fn expose(scene: &Scene, size: usize) -> (Vec<coat::Colour>, Vec<bool>) {
    let side = size * trimap::SAMPLES;
    let share = 1.0 / (trimap::SAMPLES * trimap::SAMPLES) as f32;
    let mut light = vec![[0.0; 3]; size * size];
    let mut on_pet = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let p = geometry::at((x as f32 + 0.5) / side as f32, (y as f32 + 0.5) / side as f32);
            let (colour, pet) = scene.sample(p);
            let pixel = &mut light[y / trimap::SAMPLES * size + x / trimap::SAMPLES];
            for (sum, part) in pixel.iter_mut().zip(colour) {
                *sum += part.clamp(0.0, 1.0) * share;
            }
            on_pet.push(pet);
        }
    }
    (light, on_pet)
}
