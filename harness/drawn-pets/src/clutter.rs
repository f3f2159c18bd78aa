//! Things in front of and behind the pet.

use super::{
    coat::{Colour, lit},
    geometry::{Limb, Point, at, bounds, direction, limb, smooth},
    light::Light,
    material::{CLOTH, Kind, Material, NATURE, WALLS},
    noise::{Draws, value},
    pet::Pet,
    poses::Pose,
};

/// Outline of a thing.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Half sides and the direction of the first.
    Slab {
        centre: Point,
        half: Point,
        axis: Point,
    },
    Blob(Limb),
}

impl Shape {
    fn distance(&self, p: Point) -> f32 {
        match self {
            Shape::Slab { centre, half, axis } => {
                let q = (p - *centre).unturned(*axis);
                let (dx, dy) = (q.x.abs() - half.x, q.y.abs() - half.y);
                at(dx.max(0.0), dy.max(0.0)).length() + dx.max(dy).min(0.0)
            }
            Shape::Blob(limb) => limb.distance(p),
        }
    }

    /// Corners (least, greatest) of the box around it.
    fn bounds(&self) -> (Point, Point) {
        match self {
            Shape::Slab { centre, half, axis } => {
                let (cos, sin) = (axis.x.abs(), axis.y.abs());
                let reach = at(half.x * cos + half.y * sin, half.x * sin + half.y * cos);
                (*centre - reach, *centre + reach)
            }
            Shape::Blob(limb) => bounds([limb].into_iter()),
        }
    }
}

/// Furniture, a cushion or a bush: a shape and its material.
pub(super) struct Thing {
    shape: Shape,
    material: Material,
    /// Raggedness of its outline.
    ragged: f32,
    seed: u32,
    /// Corners of the box around it. Most of the frame is outside most things.
    low: Point,
    high: Point,
}

impl Thing {
    fn new(shape: Shape, material: Material, draws: &mut Draws) -> Self {
        let (low, high) = shape.bounds();
        Self { shape, material, ragged: 0.0, seed: draws.word(), low, high }
    }

    fn ragged(self, ragged: f32) -> Self {
        let margin = at(ragged, ragged) * 0.5;
        Self { ragged, low: self.low - margin, high: self.high + margin, ..self }
    }

    /// True if `p` is outside it by at least `margin`.
    pub(super) fn clear_of(&self, p: Point, margin: f32) -> bool {
        self.shape.distance(p) > margin
    }

    /// Its colour at `p`. `None` outside it.
    pub(super) fn colour(&self, p: Point, light: &Light) -> Option<Colour> {
        if p.x < self.low.x || p.x > self.high.x || p.y < self.low.y || p.y > self.high.y {
            return None;
        }
        let distance = self.shape.distance(p);
        if distance > 0.5 * self.ragged {
            return None;
        }
        let tufts = if self.ragged > 0.0 { self.ragged * (value(p * 40.0, self.seed) - 0.5) } else { 0.0 };
        (distance + tufts <= 0.0).then(|| {
            let edge = 1.0 - 0.2 * smooth(-0.03, 0.0, distance);
            let shade = match self.shape {
                Shape::Blob(limb) => {
                    let away = p - (limb.a + limb.b) * 0.5;
                    light.on(away.unit(), (1.0 + distance / limb.ra).clamp(0.0, 1.0) * 0.8)
                }
                Shape::Slab { .. } => 1.0,
            };
            lit(self.material.colour(p), edge * shade)
        })
    }
}

/// Furniture, windows, plants, cushions and bushes behind the pet, back to front.
pub(super) fn clutter(pet: &Pet, outdoors: bool, sharpness: f32, draws: &mut Draws) -> Vec<Thing> {
    let mut things = Vec::new();
    for _ in 0..2 + draws.below(4) {
        let chance = draws.within(0.0, 1.0);
        if outdoors {
            bush(pet, sharpness, &mut things, draws);
        } else if chance < 0.25 {
            window(pet, sharpness, &mut things, draws);
        } else if chance < 0.45 {
            plant(pet, sharpness, &mut things, draws);
        } else if chance < 0.65 {
            shelf(pet, sharpness, &mut things, draws);
        } else {
            let centre = at(draws.within(-0.05, 1.05), draws.within(0.0, 0.95));
            let half = at(draws.within(0.04, 0.3), draws.within(0.04, 0.3));
            things.push(slab(centre, half, &WALLS, pet, sharpness, draws));
        }
    }
    let (coat, footing) = (pet.coat(), pet.footing());
    if draws.chance(0.4) {
        // A sofa, a bed or a mat below the pet.
        let half = at(draws.within(0.3, 0.8), draws.within(0.15, 0.5));
        let centre = at(footing.x + draws.about(0.3), footing.y - draws.within(0.03, 0.2) + half.y);
        things.push(slab(centre, half, &CLOTH, pet, 1.0, draws));
    }
    if draws.chance(0.45) {
        // A cushion, a toy or a heap in the pet's own colours.
        let centre = at(draws.within(0.0, 1.0), draws.within(0.3, 1.0));
        let (r, end) = (draws.within(0.06, 0.17), centre + direction(draws.about(0.1)) * draws.within(0.05, 0.25));
        let shape = Shape::Blob(limb(centre, end, r, r * draws.within(0.6, 1.0)));
        let material = Material::like(coat, &[Kind::Plain, Kind::Cloud, Kind::Speckle, Kind::Plush], draws);
        things.push(Thing::new(shape, material, draws).ragged(0.02));
    }
    things
}

fn slab(centre: Point, half: Point, kinds: &[Kind], pet: &Pet, sharpness: f32, draws: &mut Draws) -> Thing {
    let shape = Shape::Slab { centre, half, axis: direction(draws.about(0.02)) };
    Thing::new(shape, Material::drawn(kinds, pet.coat(), sharpness, draws), draws)
}

fn bush(pet: &Pet, sharpness: f32, things: &mut Vec<Thing>, draws: &mut Draws) {
    let centre = at(draws.within(-0.05, 1.05), draws.within(0.0, 0.9));
    let r = draws.within(0.05, 0.2);
    let end = centre + direction(draws.within(0.0, 0.5)) * draws.within(0.02, 0.35);
    let shape = Shape::Blob(limb(centre, end, r, r * draws.within(0.5, 1.1)));
    let material = Material::drawn(&NATURE, pet.coat(), sharpness, draws);
    things.push(Thing::new(shape, material, draws).ragged(0.04));
}

/// A window or a picture: a frame, a pane, and a bar if it is a window.
fn window(pet: &Pet, sharpness: f32, things: &mut Vec<Thing>, draws: &mut Draws) {
    let centre = at(draws.within(0.0, 1.0), draws.within(0.05, 0.4));
    let half = at(draws.within(0.08, 0.25), draws.within(0.08, 0.25));
    let frame = slab(centre, half, &[Kind::Plain, Kind::Planks], pet, sharpness, draws);
    let (axis, material) = (direction(0.0), frame.material);
    things.push(frame);
    things.push(slab(
        centre,
        half - at(0.025, 0.025),
        &[Kind::Cloud, Kind::Leaves, Kind::Plain],
        pet,
        sharpness,
        draws,
    ));
    if draws.chance(0.5) {
        things.push(Thing::new(Shape::Slab { centre, half: at(0.01, half.y), axis }, material, draws));
    }
}

/// A pot with a few leaves.
fn plant(pet: &Pet, sharpness: f32, things: &mut Vec<Thing>, draws: &mut Draws) {
    let root = at(draws.within(0.0, 1.0), draws.within(0.35, 0.9));
    let green = Material::drawn(&[Kind::Leaves], pet.coat(), sharpness, draws);
    for _ in 0..5 {
        let tip = root + direction(0.75 + draws.about(0.2)) * draws.within(0.12, 0.34);
        let shape = Shape::Blob(limb(root, tip, 0.012, draws.within(0.02, 0.05)));
        things.push(Thing::new(shape, green, draws));
    }
    let pot = limb(root + at(0.0, 0.01), root + at(0.0, 0.1), 0.075, 0.055);
    let material = Material::drawn(&[Kind::Plain, Kind::Stripes], pet.coat(), sharpness, draws);
    things.push(Thing::new(Shape::Blob(pot), material, draws));
}

/// A board with books or boxes on it.
fn shelf(pet: &Pet, sharpness: f32, things: &mut Vec<Thing>, draws: &mut Draws) {
    let left = at(draws.within(-0.2, 0.7), draws.within(0.15, 0.6));
    let mut x = left.x;
    let width = draws.within(0.25, 0.6);
    while x < left.x + width && things.len() < 24 {
        let half = at(draws.within(0.012, 0.05), draws.within(0.04, 0.1));
        x += half.x;
        things.push(slab(at(x, left.y - half.y), half, &[Kind::Plain, Kind::Stripes], pet, sharpness, draws));
        x += half.x + 0.006;
    }
    let board = at(left.x + width * 0.5, left.y + 0.012);
    things.push(slab(board, at(width * 0.56, 0.014), &[Kind::Planks, Kind::Plain], pet, sharpness, draws));
}

/// An object that sometimes hides a part of the pet: an edge of a table, a cushion, a post, grass.
pub(super) fn foreground(pet: &Pet, draws: &mut Draws) -> Vec<Thing> {
    let coat = pet.coat();
    let low = pet.footing().y.min(1.0);
    let chance = draws.within(0.0, 1.0);
    if chance < 0.09 {
        let axis = direction(draws.about(0.03));
        let top = low - draws.within(0.03, 0.16);
        let shape = Shape::Slab { centre: at(0.5, top + 0.5), half: at(1.0, 0.5), axis };
        vec![Thing::new(shape, Material::drawn(&CLOTH, coat, 0.6, draws), draws)]
    } else if chance < 0.17 {
        let centre = at(draws.within(0.1, 0.9), low - draws.within(-0.05, 0.12));
        let (r, wide) = (draws.within(0.08, 0.16), draws.within(0.1, 0.3));
        let shape = Shape::Blob(limb(centre, centre + at(wide, draws.about(0.05)), r, r));
        vec![Thing::new(shape, Material::drawn(&CLOTH, coat, 0.8, draws), draws)]
    } else if chance < 0.21 {
        let shape = Shape::Slab {
            centre: at(draws.within(0.15, 0.85), 0.5),
            half: at(draws.within(0.015, 0.045), 1.0),
            axis: direction(draws.about(0.05)),
        };
        vec![Thing::new(shape, Material::drawn(&WALLS, coat, 0.6, draws), draws)]
    } else if chance < 0.29 && pet.pose != Pose::CloseUp {
        // The blades of a lawn share two or three greens.
        let greens = [0; 3].map(|_| Material::drawn(&[Kind::Grass], coat, 0.8, draws));
        (0..26)
            .map(|_| {
                let root = at(draws.within(-0.05, 1.05), low + 0.08);
                let tip = root + at(draws.about(0.08), -draws.within(0.10, 0.24));
                let material = draws.pick(&greens);
                Thing::new(Shape::Blob(limb(root, tip, draws.within(0.006, 0.014), 0.002)), material, draws)
            })
            .collect()
    } else {
        Vec::new()
    }
}
