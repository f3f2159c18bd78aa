//! Colours of a coat, and their places on the body.

use super::{
    geometry::{Point, Surface, at, smooth, wave},
    noise::{Draws, cloud, value},
};

/// Red, green and blue from 0 to 1, gamma-encoded as they are stored.
pub(super) type Colour = [f32; 3];

/// `a` at `t` = 0, `b` at `t` = 1.
pub(super) fn blend(a: Colour, b: Colour, t: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

/// Each channel times `factor`.
pub(super) fn lit(colour: Colour, factor: f32) -> Colour {
    colour.map(|c| c * factor)
}

/// The pattern of the second and third colours on the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Plain,
    /// Second colour on the back, third below.
    Shaded,
    Tabby,
    Spots,
    Patches,
    /// Second colour on ears, legs and tail, like a Siamese.
    Points,
    /// Second colour as a blanket on the back, third on legs and belly.
    Saddle,
    /// Third colour on chest and feet.
    Bicolour,
    /// Third colour on legs and chest, like a pinscher.
    TanPoints,
    /// Small flecks and a few patches of the second colour, like a setter.
    Flecked,
    /// Irregular thin stripes.
    Brindle,
    /// Bare skin in folds.
    Wrinkled,
}

/// Markings of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    /// Dark from eyes to nose.
    Mask,
    PaleMuzzle,
    /// A white stripe between the eyes, and a white muzzle.
    Blaze,
    BlazeMask,
    /// Dark around one eye.
    Patch,
    /// The whole head dark.
    Hood,
    /// Stripes on the forehead.
    Mackerel,
}

/// A breed's coat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coat {
    pub(super) pattern: Pattern,
    pub(super) face: Face,
    pub(super) colours: [Colour; 3],
    pub(super) eyes: Colour,
    /// Length of the fur: 0 bare, 1 long.
    pub(super) fur: f32,
    pub(super) curly: bool,
}

/// The part of the body that contains a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    Body,
    Leg,
    Tail,
    Head,
    Muzzle,
    Ear,
}

impl Coat {
    /// The coat of one animal. No two animals of a breed have exactly the same colours.
    pub(super) fn jittered(&self, draws: &mut Draws) -> Coat {
        let tint = [draws.about(0.05), draws.about(0.03), draws.about(0.04)];
        let mut coat = *self;
        for colour in &mut coat.colours {
            let factor = 1.0 + draws.about(0.16);
            *colour = [0, 1, 2].map(|i| (colour[i] * factor + tint[i]).clamp(0.05, 0.99));
        }
        coat
    }

    /// Colour at `p` (in the pet's own coordinates), on `surface` of `region`. `face` is the point in the face's
    /// coordinates.
    pub(super) fn colour(&self, region: Region, surface: &Surface, p: Point, face: Point, seed: u32) -> Colour {
        match region {
            Region::Head | Region::Muzzle => self.head(region, p, face, seed),
            _ => self.trunk(region, surface, p, seed),
        }
    }

    fn trunk(&self, region: Region, surface: &Surface, p: Point, seed: u32) -> Colour {
        let [first, second, third] = self.colours;
        let wobble = cloud(p * 5.0, seed) - 0.5;
        // +1 on the back, -1 on the belly
        let back = -surface.normal.y * (1.0 + surface.distance / surface.radius.max(1e-3)).clamp(0.0, 1.0);
        let (body, ear) = (region == Region::Body, region == Region::Ear);
        let foot = if region == Region::Leg { smooth(0.45, 0.65, surface.along + wobble * 0.4) } else { 0.0 };
        let below = smooth(0.25, 0.55, wobble - back) * f32::from(body);
        match self.pattern {
            Pattern::Plain => blend(first, second, 0.5 * smooth(-0.1, 0.3, wobble)),
            Pattern::Shaded => {
                let above = if ear { 0.7 } else { smooth(-0.2, 0.9, back + wobble) };
                blend(blend(first, second, above * 0.8), third, below.max(foot) * 0.8)
            }
            Pattern::Tabby | Pattern::Brindle => {
                let axis = p.dot(surface.grain);
                let count = if self.pattern == Pattern::Tabby { 7.5 } else { 13.0 };
                let bar = smooth(0.0, 0.5, wave(axis * count + wobble * 1.4) - 0.1);
                let ground = blend(first, third, below);
                blend(ground, second, bar * if ear { 0.3 } else { 0.8 })
            }
            Pattern::Spots => {
                let spot = smooth(0.58, 0.68, value(p * 15.0, seed ^ 7));
                blend(blend(first, third, below), second, if ear { 0.4 } else { spot })
            }
            Pattern::Patches => {
                let patch = smooth(0.50, 0.56, cloud(p * 2.6, seed ^ 3) + 0.06 * back);
                blend(first, second, if ear { 1.0 } else { patch * (1.0 - foot) })
            }
            Pattern::Points => {
                let far = if body { 0.22 * smooth(0.1, 0.8, back) } else { 0.95 };
                let plain = self.face != Face::Blaze;
                let dark = if region == Region::Leg { smooth(0.1, 0.8, surface.along) } else { far };
                let points = blend(first, second, dark);
                if plain { points } else { blend(points, third, foot.max(below)) }
            }
            Pattern::Saddle => {
                let blanket =
                    if body || region == Region::Tail { smooth(-0.15, 0.1, back + wobble * 0.7) } else { 0.0 };
                blend(blend(first, third, below.max(foot)), second, blanket)
            }
            Pattern::Bicolour => blend(first, third, below.max(foot)),
            Pattern::TanPoints => blend(first, third, foot.max(below * 0.7)),
            Pattern::Flecked => {
                let fleck = smooth(0.60, 0.72, value(p * 22.0, seed ^ 9)) * 0.8;
                let patch = smooth(0.58, 0.64, cloud(p * 2.2, seed ^ 5));
                blend(first, second, if ear { 1.0 } else { fleck.max(patch) })
            }
            Pattern::Wrinkled => blend(first, second, smooth(0.3, 0.9, wave(surface.distance * 24.0 + wobble * 3.0))),
        }
    }

    fn head(&self, region: Region, p: Point, face: Point, seed: u32) -> Colour {
        let [first, second, third] = self.colours;
        let wobble = (cloud(p * 9.0, seed ^ 0x0B) - 0.5) * 0.5;
        let muzzle = region == Region::Muzzle;
        let ground = match self.pattern {
            Pattern::Points => blend(first, second, 0.25),
            Pattern::Saddle if self.face == Face::Blaze => first,
            Pattern::Patches if matches!(self.face, Face::Blaze | Face::BlazeMask) => second,
            Pattern::Brindle => blend(first, second, smooth(0.0, 0.5, wave(face.x * 2.6 + wobble * 4.0))),
            Pattern::Wrinkled => blend(first, second, smooth(0.4, 1.0, wave(face.y * 2.5 + wobble * 2.0))),
            Pattern::Spots => blend(first, second, 0.8 * smooth(0.62, 0.72, value(p * 18.0, seed))),
            _ => first,
        };
        // Distances are in radii of the skull. A face has its eyes at (+-0.42, -0.05) and its muzzle near (0, 0.4).
        let centre = if muzzle { 0.0 } else { smooth(0.95, 0.45, at(face.x, face.y - 0.3).length() + wobble) };
        let stripe = smooth(0.26, 0.14, face.x.abs() + wobble * 0.5 - 0.1 * face.y.max(0.0));
        let below = if muzzle { 1.0 } else { smooth(0.25, 0.5, face.y + wobble) };
        match self.face {
            Face::Plain => ground,
            Face::Mask => blend(ground, second, if muzzle { 0.95 } else { centre * 0.9 }),
            Face::PaleMuzzle => blend(ground, third, if muzzle { 0.9 } else { centre * 0.5 * below }),
            Face::Blaze => blend(ground, third, below.max(stripe)),
            Face::BlazeMask => blend(blend(ground, third, stripe.max(f32::from(muzzle))), second, 0.2 * centre),
            Face::Patch => {
                let spot = at(face.x + 0.45, face.y + 0.1).length() + wobble;
                blend(ground, second, if muzzle { 0.0 } else { smooth(0.6, 0.45, spot) })
            }
            Face::Hood => blend(second, third, 0.3),
            Face::Mackerel => {
                let bar = smooth(0.1, 0.5, wave(face.x * 2.2 + 0.25)) * smooth(0.0, -0.25, face.y + wobble);
                let cheek = smooth(0.2, 0.6, wave(face.y * 2.4)) * smooth(0.5, 0.7, face.x.abs());
                blend(blend(ground, third, if muzzle { 0.8 } else { 0.0 }), second, bar.max(cheek) * 0.85)
            }
        }
    }
}
