//! Materials of everything except pets: walls, floors, cloth and foliage.

use super::{
    breeds::BREEDS,
    coat::{Coat, Colour, blend, lit},
    geometry::{Point, at, direction, floor, smooth, wave},
    noise::{Draws, cell, cloud, value},
};

/// Kind of texture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Cloud,
    Stripes,
    Planks,
    Tiles,
    Checks,
    Leaves,
    Grass,
    Speckle,
    /// Strands like fur, upright or lying, for rugs and plush.
    Plush,
}

/// Textures found indoors on walls, on floors and furniture, and outdoors.
pub(super) const WALLS: [Kind; 8] =
    [Kind::Plain, Kind::Cloud, Kind::Plain, Kind::Stripes, Kind::Cloud, Kind::Tiles, Kind::Planks, Kind::Checks];
pub(super) const CLOTH: [Kind; 9] = [
    Kind::Plain,
    Kind::Planks,
    Kind::Tiles,
    Kind::Cloud,
    Kind::Stripes,
    Kind::Checks,
    Kind::Plush,
    Kind::Speckle,
    Kind::Cloud,
];
pub(super) const NATURE: [Kind; 6] = [Kind::Leaves, Kind::Grass, Kind::Cloud, Kind::Leaves, Kind::Cloud, Kind::Speckle];

/// A texture in two colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Material {
    kind: Kind,
    first: Colour,
    second: Colour,
    /// Number of features across the frame's side.
    count: f32,
    grain: Point,
    seed: u32,
    /// Depth of the fine textures. It is low for a background out of focus.
    sharpness: f32,
}

impl Material {
    /// A material of one of `kinds`. Its colours are often those of coats, including `coat`, so that colour alone is no
    /// clue.
    pub(super) fn drawn(kinds: &[Kind], coat: &Coat, sharpness: f32, draws: &mut Draws) -> Self {
        let kind = draws.pick(kinds);
        let natural = matches!(kind, Kind::Leaves | Kind::Grass) && draws.chance(0.75);
        let first = if natural { foliage(draws) } else { hue(coat, draws) };
        let near = lit(first, draws.within(0.6, 1.35));
        let second = if draws.chance(0.7) { near } else { blend(near, hue(coat, draws), 0.6) };
        let count = match kind {
            Kind::Plain => draws.within(0.5, 1.5),
            Kind::Cloud => draws.within(2.5, 9.0),
            Kind::Stripes => draws.within(3.0, 14.0),
            Kind::Planks => draws.within(3.0, 7.0),
            Kind::Tiles | Kind::Checks => draws.within(3.0, 9.0),
            Kind::Leaves => draws.within(7.0, 15.0),
            Kind::Grass | Kind::Plush => draws.within(18.0, 30.0),
            Kind::Speckle => draws.within(30.0, 60.0),
        };
        let grain = match kind {
            Kind::Grass => direction(draws.within(0.21, 0.29)),
            Kind::Plush => direction(draws.within(0.0, 1.0)),
            _ if draws.chance(0.5) => direction(draws.about(0.04)),
            _ => direction(0.25 + draws.about(0.12)),
        };
        Self { kind, first, second, count, grain, seed: draws.word(), sharpness }
    }

    /// A material of one of `kinds` in the colours of `coat` itself.
    pub(super) fn like(coat: &Coat, kinds: &[Kind], draws: &mut Draws) -> Self {
        let mut material = Self::drawn(kinds, coat, 1.0, draws);
        material.first = lit(draws.pick(&coat.colours), draws.within(0.75, 1.1));
        material.second = lit(material.first, draws.within(0.65, 0.9));
        material
    }

    /// Its colour at a place of the frame.
    pub(super) fn colour(&self, p: Point) -> Colour {
        let q = p.unturned(self.grain) * self.count;
        let soft = value(p * 3.0, self.seed ^ 0x77); // nothing is evenly lit or clean
        let fine = self.sharpness;
        let t = match self.kind {
            Kind::Plain => value(q, self.seed),
            Kind::Cloud => smooth(0.25, 0.75, cloud(q, self.seed)),
            Kind::Stripes => smooth(-0.35, 0.35, wave(q.y)) * 0.8,
            Kind::Planks => {
                let row = floor(q.y);
                let seam = smooth(0.06, 0.0, q.y - row);
                let tone = cell(row as i32, 0, self.seed);
                (0.5 * tone + 0.35 * fine * value(at(q.x * 0.8, q.y * 5.0), self.seed) + 0.9 * seam).min(1.3)
            }
            Kind::Tiles => {
                let (column, row) = (floor(q.x), floor(q.y));
                let joint = smooth(0.10, 0.04, (q.x - column).min(q.y - row));
                0.4 * cell(column as i32, row as i32, self.seed) + joint
            }
            Kind::Checks => 0.5 * (smooth(-0.2, 0.2, wave(q.x)) + smooth(-0.2, 0.2, wave(q.y))),
            Kind::Leaves => {
                let bent = at(q.x + 1.5 * value(q * 0.5, self.seed), q.y);
                let leaf = value(bent, self.seed ^ 1);
                smooth(0.3, 0.6, leaf) * (0.7 + 0.3 * fine)
                    - 0.5 * fine * smooth(0.4, 0.2, value(q * 2.3, self.seed ^ 2))
            }
            Kind::Grass => 0.5 + fine * (1.3 * value(at(q.y, q.x * 0.2), self.seed) - 0.65),
            Kind::Plush => 0.5 + fine * (1.5 * value(at(q.y, q.x * 0.3), self.seed) - 0.75),
            Kind::Speckle => 0.5 + fine * (1.1 * value(q, self.seed) - 0.55),
        };
        lit(blend(self.first, self.second, t), 0.88 + 0.24 * soft)
    }
}

/// A colour for things in a house: a colour of this pet's coat, a colour of some breed's coat, or any muted colour.
fn hue(own: &Coat, draws: &mut Draws) -> Colour {
    let chance = draws.within(0.0, 1.0);
    if chance < 0.25 {
        let factor = draws.within(0.75, 1.15);
        lit(draws.pick(&own.colours), factor)
    } else if chance < 0.55 {
        let other = BREEDS[draws.below(BREEDS.len())].coat;
        lit(draws.pick(&other.colours), draws.within(0.8, 1.1))
    } else {
        let grey = draws.within(0.15, 0.9);
        let vivid = draws.within(0.03, 0.22);
        [0, 1, 2].map(|_| (grey + draws.within(-vivid, vivid)).clamp(0.05, 0.97))
    }
}

fn foliage(draws: &mut Draws) -> Colour {
    let light = draws.within(0.25, 0.7);
    [light * draws.within(0.6, 1.05), light, light * draws.within(0.25, 0.6)]
}
