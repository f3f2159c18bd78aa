//! Random draws for a picture's contents, and hashed noise for its textures.

use super::geometry::{Point, at};
use harness_record::digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// The random decisions of one picture, in a fixed order.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// A generator for the purpose named by `words`.
    pub(super) fn new(words: &[&str]) -> Self {
        Self(ChaCha8Rng::from_seed(digest::seed(words)))
    }

    /// Seed of a texture.
    pub(super) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in `0..n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.word()) * n as u64) >> 32) as usize
    }

    /// Uniform in `[low, high)`.
    pub(super) fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.word() >> 8) as f32 / 16_777_216.0) // 24 bits: exact in f32
    }

    /// Between `-limit` and `limit`, most often near 0.
    pub(super) fn about(&mut self, limit: f32) -> f32 {
        (self.within(-limit, limit) + self.within(-limit, limit)) * 0.5
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.within(0.0, 1.0) < p
    }

    /// One of `all`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const COLUMN: u32 = 0x9E37_79B1;
const ROW: u32 = 0x85EB_CA77;

/// 32 well-mixed bits for a cell of the plane.
fn hash(x: i32, y: i32, seed: u32) -> u32 {
    mixed((x as u32).wrapping_mul(COLUMN) ^ (y as u32).wrapping_mul(ROW) ^ seed)
}

fn mixed(h: u32) -> u32 {
    let h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    (h ^ (h >> 12)).wrapping_mul(0x297A_2D39)
}

/// One value in `[0, 1)` for a cell of the plane.
pub(super) fn cell(x: i32, y: i32, seed: u32) -> f32 {
    (hash(x, y, seed) >> 8) as f32 / 16_777_216.0
}

/// Value noise in `[0, 1)`: a random value at each integer point, interpolated smoothly.
#[inline]
pub(super) fn value(p: Point, seed: u32) -> f32 {
    // At negative integers these are one less than the floor. There u = 1, which gives the same value.
    let (ix, iy) = (p.x as i32 - i32::from(p.x < 0.0), p.y as i32 - i32::from(p.y < 0.0));
    let (u, v) = (p.x - ix as f32, p.y - iy as f32);
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let (left, above) = ((ix as u32).wrapping_mul(COLUMN), (iy as u32).wrapping_mul(ROW) ^ seed);
    let (right, below) = (left.wrapping_add(COLUMN), (iy as u32).wrapping_mul(ROW).wrapping_add(ROW) ^ seed);
    let [a, b, c, d] =
        [left ^ above, right ^ above, left ^ below, right ^ below].map(|h| (mixed(h) >> 8) as i32 as f32);
    let (top, bottom) = (a + (b - a) * u, c + (d - c) * u);
    (top + (bottom - top) * v) * (1.0 / 16_777_216.0)
}

/// Three octaves of [`value`], in `[0, 1)`.
pub(super) fn cloud(p: Point, seed: u32) -> f32 {
    let finer = at(p.y * 2.1 + 5.3, p.x * 2.1 - 2.7);
    let finest = at(p.x * 4.3 - 1.9, p.y * 4.3 + 8.1);
    (value(p, seed) * 4.0 + value(finer, seed ^ 0x51) * 2.0 + value(finest, seed ^ 0xA7)) / 7.0
}

/// Approximately normal noise of a sensor's pixel: mean 0, standard deviation 1.
pub(super) fn grain(x: u32, y: u32, channel: u32, seed: u32) -> f32 {
    let h = hash(x as i32, y as i32, seed.wrapping_add(channel.wrapping_mul(0x632B_E5AB)));
    let sum: u32 = (0..4).map(|byte| (h >> (8 * byte)) & 0xFF).sum();
    (sum as f32 - 510.0) / 147.8 // four bytes: mean 510, variance 4 * (256^2 - 1) / 12
}
