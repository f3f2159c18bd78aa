//! A picture's contents: the pet, the things behind and in front of it, and the light.

use super::{
    breeds::Breed,
    clutter::{Thing, clutter, foreground},
    coat::{Colour, lit},
    geometry::{Point, at, smooth},
    light::{Camera, Light},
    material::{CLOTH, Kind, Material, NATURE, WALLS},
    noise::Draws,
    pet::Pet,
};

/// Everything in a picture.
pub(super) struct Scene {
    pub(super) pet: Pet,
    pub(super) camera: Camera,
    light: Light,
    wall: Material,
    ground: Material,
    /// Height at which wall and ground meet.
    horizon: f32,
    /// Back to front.
    behind: Vec<Thing>,
    before: Vec<Thing>,
    /// Centre and half width of the shadow on the ground.
    shadow: (Point, f32),
}

/// Minimum share of the frame that shows the pet away from its outline.
const LEAST_SEEN: f32 = 0.08;

impl Scene {
    pub(super) fn drawn(breed: &Breed, draws: &mut Draws) -> Self {
        let mut pet = Pet::drawn(breed, draws);
        let mut before = foreground(&pet, draws);
        let mut tries = 0;
        while seen(&pet, &before) < LEAST_SEEN {
            tries += 1;
            let last = tries > 6; // then nothing hides the pet, and it fills the frame
            pet.replace(last, draws);
            before = if last { Vec::new() } else { foreground(&pet, draws) };
            if last {
                break;
            }
        }
        let light = Light::drawn(draws);
        let outdoors = draws.chance(0.4);
        let (walls, floors): (&[Kind], &[Kind]) = if outdoors { (&NATURE, &NATURE) } else { (&WALLS, &CLOTH) };
        let sharpness = draws.within(0.1, 0.85);
        let footing = pet.footing();
        // A bed or a lawn seen from above fills the frame with one texture.
        let horizon = if draws.chance(0.25) { -1.0 } else { footing.y.min(1.05) - draws.within(0.04, 0.40) };
        let coat = *pet.coat();
        Self {
            wall: Material::drawn(walls, &coat, sharpness, draws),
            ground: Material::drawn(floors, &coat, sharpness, draws),
            behind: clutter(&pet, outdoors, sharpness, draws),
            shadow: (footing + at(-light.towards.x * 0.12, -0.02), 0.5 * pet.placement().extent),
            camera: Camera::drawn(draws),
            pet,
            light,
            horizon,
            before,
        }
    }

    /// The light from `p` of the frame, and true if it comes from the pet.
    pub(super) fn sample(&self, p: Point) -> (Colour, bool) {
        let (colour, pet) = if let Some(colour) = self.before.iter().find_map(|thing| thing.colour(p, &self.light)) {
            (colour, false)
        } else if let Some(colour) = self.pet.colour(p, &self.light) {
            (colour, true)
        } else {
            (self.surroundings(p), false)
        };
        (lit(colour, self.light.at(p)), pet)
    }

    fn surroundings(&self, p: Point) -> Colour {
        let (centre, half) = self.shadow;
        let q = at((p.x - centre.x) / half, (p.y - centre.y) / (0.22 * half));
        let shadow = 1.0 - 0.45 * smooth(1.0, 0.1, q.dot(q));
        let thing = self.behind.iter().rev().find_map(|thing| thing.colour(p, &self.light));
        let colour = thing.unwrap_or_else(|| {
            if p.y < self.horizon {
                let skirting = smooth(-0.012, 0.0, p.y - self.horizon);
                lit(self.wall.colour(p), 1.0 - 0.25 * skirting)
            } else {
                self.ground.colour(p)
            }
        });
        lit(colour, shadow)
    }
}

/// Share of the frame, measured on a grid, where the pet is visible and not near its outline.
fn seen(pet: &Pet, before: &[Thing]) -> f32 {
    const GRID: usize = 24;
    let visible = (0..GRID * GRID)
        .map(|i| at((i % GRID) as f32 + 0.5, (i / GRID) as f32 + 0.5) * (1.0 / GRID as f32))
        .filter(|&p| pet.holds(p, 0.018) && before.iter().all(|thing| thing.clear_of(p, 0.02)))
        .count();
    visible as f32 / (GRID * GRID) as f32
}
