//! Draws the skull, muzzle, ears and eyes.

use super::{
    breeds::{Breed, Build, Ear, Species},
    coat::{Colour, Region, lit},
    figure::{Layer, Mark, Skull},
    geometry::{Limb, limb},
    noise::Draws,
};

const PUPIL: Colour = [0.04, 0.04, 0.05];
const GLINT: Colour = [0.97, 0.97, 0.95];
const TONGUE: Colour = [0.86, 0.45, 0.47];
const LEATHER: Colour = [0.10, 0.08, 0.08];
const ROSE: Colour = [0.76, 0.48, 0.45];

/// The head's layers, front to back.
pub(super) fn layers(breed: &Breed, skull: &Skull, draws: &mut Draws) -> Vec<Layer> {
    let ears = ears(breed, skull);
    let (muzzle, head) = (muzzle(breed, skull, draws), head(breed, skull));
    if breed.build.ear == Ear::Pointed {
        [muzzle, head].into_iter().chain(ears).collect()
    } else {
        let [near, far] = ears;
        // A head in profile hides its far ear.
        if skull.yaw > 0.5 { vec![near, muzzle, head, far] } else { vec![near, far, muzzle, head] }
    }
}

/// A limb whose coordinates and radii are in units of the skull's radius.
fn bone(skull: &Skull, a: [f32; 2], b: [f32; 2], ra: f32, rb: f32) -> Limb {
    limb(skull.out(a[0], a[1]), skull.out(b[0], b[1]), ra * skull.radius, rb * skull.radius)
}

fn mark(shape: Limb, colour: Colour) -> Mark {
    Mark { shape, colour }
}

fn muzzle(breed: &Breed, skull: &Skull, draws: &mut Draws) -> Layer {
    let Build { snout, jowl, .. } = breed.build;
    let cat = breed.species() == Species::Cat;
    let yaw = skull.yaw;
    let front = 1.0 - yaw;
    // From the front, a long snout is foreshortened and only hangs a little lower.
    let tip = [yaw * (0.62 + snout), 0.36 + 0.22 * snout * front + 0.06 * snout];
    let (thick, thin) = (0.46 * jowl, (0.38 - 0.05 * snout) * jowl);
    let cheek = 0.16 * jowl * front;
    let limbs = vec![
        bone(skull, [yaw * 0.4, 0.26], tip, thick, thin),
        bone(skull, [tip[0] - cheek, tip[1] + 0.06], [tip[0] + cheek, tip[1] + 0.06], thin * 0.9, thin * 0.9),
    ];
    let mut layer = Layer::new(Region::Muzzle, limbs, 0.2 * skull.radius);
    let nose = [tip[0] + yaw * thin * 0.8, tip[1] - thin * (0.45 + 0.2 * yaw)];
    let (size, skin) = if cat { (0.075, ROSE) } else { (0.13, LEATHER) };
    let skin = if cat && breed.coat.colours[0][1] < 0.6 { lit(skin, 0.45) } else { skin };
    let half = size * (1.0 - 0.5 * yaw);
    let nostril = |x: f32| [nose[0] + x, nose[1]];
    layer.marks.push(mark(bone(skull, nostril(-half), nostril(half), size, size), skin));
    let lip = tip[1] + thin * 0.35;
    let line = lit(LEATHER, 1.3);
    layer.marks.push(mark(bone(skull, [nose[0], nose[1]], [tip[0] + yaw * 0.1, lip], 0.03, 0.03), line));
    let corner = 0.3 * jowl;
    if !cat && draws.chance(0.35) {
        let (x, long) = (tip[0] + 0.02, draws.within(0.2, 0.45));
        layer.marks.push(mark(bone(skull, [x, lip + 0.1], [x, lip + long], 0.13, 0.11), TONGUE));
    }
    for side in [-1.0, 1.0 - yaw] {
        let end = [tip[0] + side * corner, lip - 0.05];
        layer.marks.push(mark(bone(skull, [tip[0] + yaw * 0.1, lip], end, 0.03, 0.02), line));
    }
    layer
}

fn head(breed: &Breed, skull: &Skull) -> Layer {
    let Build { skull: wide, jowl, snout, .. } = breed.build;
    let cat = breed.species() == Species::Cat;
    let yaw = skull.yaw;
    let (wide, cheek) = (wide * (1.0 - 0.4 * yaw), if cat { 0.42 } else { 0.30 * jowl } * (1.0 - 0.6 * yaw));
    let mut limbs = vec![
        bone(skull, [-wide, -0.08], [wide, -0.08], 0.82, 0.82),
        bone(skull, [-cheek + 0.1 * yaw, 0.3], [cheek + 0.1 * yaw, 0.3], 0.5, 0.5),
    ];
    if yaw > 0.4 {
        limbs.push(bone(skull, [0.2, 0.2], [yaw * (0.4 + 0.5 * snout), 0.34], 0.5, 0.4));
    }
    let mut layer = Layer::new(Region::Head, limbs, 0.25 * skull.radius);
    let size = if cat { 0.19 } else { 0.135 };
    for side in [1.0, -1.0] {
        if yaw > 0.6 && side > 0.0 {
            continue; // the far eye of a profile
        }
        let spread = if cat { 0.43 } else { 0.38 };
        let x = yaw * 0.55 + side * spread * (1.0 - 0.3 * yaw);
        let (y, narrow) = (-0.08, 1.0 - 0.35 * yaw);
        let spot =
            |dx: f32, dy: f32, half: f32, r: f32| bone(skull, [x + dx - half, y + dy], [x + dx + half, y + dy], r, r);
        layer.marks.push(mark(spot(0.05, -0.06, 0.0, 0.05), GLINT));
        if cat {
            let slit = bone(skull, [x, y - 0.07], [x, y + 0.07], 0.06, 0.06);
            layer.marks.push(mark(slit, PUPIL));
        } else {
            layer.marks.push(mark(spot(0.0, 0.0, 0.0, size * 0.6), PUPIL));
        }
        layer.marks.push(mark(spot(0.0, 0.0, 0.05 * narrow, size * 0.82), breed.coat.eyes));
        layer.marks.push(mark(spot(0.0, 0.0, 0.06 * narrow, size * 1.08), LEATHER));
    }
    layer
}

/// The near ear and the far one.
fn ears(breed: &Breed, skull: &Skull) -> [Layer; 2] {
    let Build { ear, ear_size: size, skull: wide, .. } = breed.build;
    let cat = breed.species() == Species::Cat;
    let yaw = skull.yaw;
    [-1.0, 1.0].map(|side: f32| {
        // Turning the head brings the near ear (-1) towards the middle and the far one behind.
        let x = |out: f32| side * (out + wide) * (1.0 - 0.35 * yaw) - 0.12 * yaw;
        let limbs = match ear {
            Ear::Pointed => {
                let (root, tip) = ([x(0.48), -0.48], [x(0.62 + 0.12 * size), -0.62 - 0.75 * size]);
                vec![bone(skull, root, tip, 0.40 * size.min(1.1), 0.04), bone(skull, [x(0.62), -0.25], tip, 0.22, 0.03)]
            }
            Ear::Folded => {
                let top = [x(0.80), -0.70 - 0.2 * size];
                vec![
                    bone(skull, [x(0.58), -0.58], top, 0.24 * size, 0.18),
                    bone(skull, top, [x(0.86) + 0.2 * yaw, -0.60 + 0.5 * size], 0.20, 0.08),
                ]
            }
            Ear::Hanging => vec![
                bone(skull, [x(0.62), -0.50], [x(0.92), -0.15], 0.20, 0.26),
                bone(skull, [x(0.92), -0.15], [x(0.98), 0.15 + 0.62 * size], 0.26, 0.25 + 0.06 * size),
            ],
        };
        let mut layer = Layer::new(Region::Ear, limbs, 0.12 * skull.radius);
        if ear == Ear::Pointed {
            let inner =
                bone(skull, [x(0.50), -0.6], [x(0.61 + 0.11 * size), -0.55 - 0.62 * size], 0.22 * size.min(1.1), 0.02);
            let skin = inside_of_ear(breed.coat.colours[0], cat);
            layer.marks.push(mark(inner, skin));
        }
        if side > 0.0 && yaw > 0.3 { layer.shaded(0.82) } else { layer }
    })
}

/// Colour of the inside of an ear: rosy, and darker if the coat is darker.
fn inside_of_ear(coat: Colour, cat: bool) -> Colour {
    let depth = 0.35 + 0.65 * coat[1].min(0.9);
    lit(if cat { [0.88, 0.66, 0.60] } else { [0.72, 0.54, 0.47] }, depth)
}
