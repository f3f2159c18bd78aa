//! Light of a scene and the faults of a camera.

use super::{
    coat::Colour,
    geometry::{Point, at, mix},
    noise::{Draws, grain},
};

/// A distant lamp and the ambient light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// Direction to the lamp in the frame. Its length says how far the lamp is to the side of the camera.
    pub(super) towards: Point,
    /// Share of the light that comes from the lamp.
    strength: f32,
    /// Brightness of the scene falls off along `-towards` by this much over the frame.
    falloff: f32,
}

impl Light {
    pub(super) fn drawn(draws: &mut Draws) -> Self {
        let towards = at(draws.within(-0.8, 0.8), draws.within(-0.8, -0.1));
        Self { towards, strength: draws.within(0.25, 0.65), falloff: draws.within(0.0, 0.35) }
    }

    /// The light on a surface that turns by `tilt` (0 to 1) from the camera towards the unit vector `normal`.
    pub(super) fn on(&self, normal: Point, tilt: f32) -> f32 {
        let facing = (1.0 - tilt * tilt).max(0.0).sqrt();
        let lamp = (normal.dot(self.towards) * tilt + 0.75 * facing).max(0.0);
        1.0 - self.strength * 0.75 + self.strength * lamp
    }

    /// Light at a place of the frame.
    pub(super) fn at(&self, p: Point) -> f32 {
        1.0 + self.falloff * (p - at(0.5, 0.5)).dot(self.towards)
    }
}

/// Changes that a camera makes to a picture.
pub(super) struct Camera {
    cast: Colour,
    exposure: f32,
    contrast: f32,
    vignette: f32,
    noise: f32,
    /// Standard deviation of the defocus, as a share of the frame's side.
    defocus: f32,
    seed: u32,
}

impl Camera {
    pub(super) fn drawn(draws: &mut Draws) -> Self {
        let warm = draws.about(0.14);
        Self {
            cast: [1.0 + warm, 1.0 + draws.about(0.05), 1.0 - warm],
            exposure: draws.within(0.88, 1.18),
            contrast: draws.within(0.80, 1.15),
            vignette: draws.within(0.0, 0.45),
            noise: draws.within(0.006, 0.03),
            defocus: if draws.chance(0.22) { draws.within(0.002, 0.007) } else { 0.0 },
            seed: draws.word(),
        }
    }

    /// Returns the stored picture (`size` by `size`, HWC) of the light on each pixel.
    pub(super) fn develop(&self, light: &[Colour], size: usize) -> Vec<u8> {
        let mut picture = light.to_vec();
        self.blur(&mut picture, size);
        let mut rgb = Vec::with_capacity(3 * size * size);
        for (i, colour) in picture.iter().enumerate() {
            let (x, y) = (i % size, i / size);
            let from_middle = at((x as f32 + 0.5) / size as f32 - 0.5, (y as f32 + 0.5) / size as f32 - 0.5);
            let exposure = self.exposure * (1.0 - self.vignette * from_middle.dot(from_middle));
            for (channel, (value, cast)) in (0..).zip(colour.iter().zip(self.cast)) {
                let seen = value * cast * exposure;
                let stored = (seen - 0.45) * self.contrast + 0.45;
                let noisy = stored + self.noise * grain(x as u32, y as u32, channel, self.seed);
                rgb.push((noisy.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
        rgb
    }

    /// Blurs with repeated passes of a kernel like [1, 2, 1]. Their variances add up to the square of the defocus.
    fn blur(&self, picture: &mut [Colour], size: usize) {
        let sigma = self.defocus * size as f32;
        let variance = sigma * sigma;
        if variance < 0.01 {
            return;
        }
        let passes = (variance / 0.4) as usize + 1;
        let side = variance / (2.0 * passes as f32); // weight of each neighbour
        for _ in 0..passes {
            for start in 0..size {
                pass(picture, start * size, 1, size, side);
                pass(picture, start, size, size, side);
            }
        }
    }
}

/// Makes one pass of the kernel [side, 1 - 2 side, side] over `count` pixels from `start`, `step` apart.
fn pass(picture: &mut [Colour], start: usize, step: usize, count: usize, side: f32) {
    let mut before = picture[start];
    for i in 0..count {
        let here = picture[start + i * step];
        let after = picture[start + (i + 1).min(count - 1) * step];
        picture[start + i * step] = [0, 1, 2].map(|c| mix(here[c], (before[c] + after[c]) * 0.5, 2.0 * side));
        before = here;
    }
}
