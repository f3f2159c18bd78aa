//! Points, limbs and their smooth unions, as signed distance functions (negative inside).

use std::ops::{Add, Mul, Sub};

/// A point or a vector of the plane; `y` grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// The point (`x`, `y`).
pub(super) const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(super) fn dot(self, other: Point) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1. The zero vector has no direction and becomes (1, 0).
    pub(super) fn unit(self) -> Point {
        let length = self.length();
        if length > 1e-6 { self * (1.0 / length) } else { at(1.0, 0.0) }
    }

    /// A quarter turn.
    pub(super) fn across(self) -> Point {
        at(-self.y, self.x)
    }

    /// Turns the plane so that (1, 0) becomes the unit vector `to`.
    pub(super) fn turned(self, to: Point) -> Point {
        at(self.x * to.x - self.y * to.y, self.x * to.y + self.y * to.x)
    }

    /// Undoes [`Point::turned`].
    pub(super) fn unturned(self, to: Point) -> Point {
        at(self.dot(to), self.y * to.x - self.x * to.y)
    }
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Point;
    fn mul(self, factor: f32) -> Point {
        at(self.x * factor, self.y * factor)
    }
}

/// Largest integer not above `x`. `f32::floor` is a function call on plain x86-64; this is two instructions.
pub(super) fn floor(x: f32) -> f32 {
    let whole = x as i32 as f32;
    if whole > x { whole - 1.0 } else { whole }
}

/// Sine of `turns` full turns, computed from two parabolas (error below 0.002). The platform's `sin` may differ in its
/// last bit.
pub(super) fn wave(turns: f32) -> f32 {
    let f = turns - floor(turns) - 0.5;
    let y = -8.0 * f * (1.0 - 2.0 * f.abs());
    0.225 * (y * y.abs() - y) + y
}

/// The unit vector at an angle of `turns` full turns.
pub(super) fn direction(turns: f32) -> Point {
    at(wave(turns + 0.25), wave(turns)).unit()
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn smooth(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// `a` at `t` = 0, `b` at `t` = 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// A capsule from `a` to `b` whose radius changes from `ra` to `rb`. Used for legs, ears, bodies and eyes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limb {
    pub(super) a: Point,
    pub(super) b: Point,
    pub(super) ra: f32,
    pub(super) rb: f32,
    axis: Point,
    /// 1 / |axis|^2
    shrink: f32,
    /// Unit vector along which its fur lies.
    grain: Point,
    /// Positions of its ends along the leg or tail that it belongs to.
    span: (f32, f32),
}

/// Creates a capsule from `a` to `b` whose radius changes from `ra` to `rb`.
pub(super) fn limb(a: Point, b: Point, ra: f32, rb: f32) -> Limb {
    let axis = b - a;
    Limb { a, b, ra, rb, axis, shrink: 1.0 / axis.dot(axis).max(1e-9), grain: axis.unit(), span: (0.0, 1.0) }
}

/// The properties of a shape at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    /// Signed distance to the outline.
    pub(super) distance: f32,
    /// Unit vector away from the shape's axis.
    pub(super) normal: Point,
    /// Radius of the shape here.
    pub(super) radius: f32,
    /// Unit vector along which the fur lies.
    pub(super) grain: Point,
    /// Position along the leg or tail: 0 at its root, 1 at its end.
    pub(super) along: f32,
}

impl Limb {
    /// The same limb as the part of a leg or tail from `from` to `to` (0 is the root, 1 the end).
    pub(super) fn part(self, from: f32, to: f32) -> Self {
        Self { span: (from, to), ..self }
    }

    pub(super) fn distance(&self, p: Point) -> f32 {
        let t = ((p - self.a).dot(self.axis) * self.shrink).clamp(0.0, 1.0);
        (p - self.a - self.axis * t).length() - mix(self.ra, self.rb, t)
    }

    /// The surface of the limb at `p`. `None` if the limb is `limit` away or more.
    fn surface(&self, p: Point, limit: f32) -> Option<Surface> {
        let along = ((p - self.a).dot(self.axis) * self.shrink).clamp(0.0, 1.0);
        let away = p - self.a - self.axis * along;
        let radius = mix(self.ra, self.rb, along);
        let (square, far) = (away.dot(away), limit + radius);
        if far <= 0.0 || square >= far * far {
            return None; // comes before the root and the division
        }
        let length = square.sqrt();
        let normal = away * (1.0 / length.max(1e-6));
        Some(Surface {
            distance: length - radius,
            normal,
            radius,
            grain: self.grain,
            along: mix(self.span.0, self.span.1, along),
        })
    }
}

/// Smooth union of limbs. Limbs within `blend` of each other merge smoothly.
#[derive(Clone, Debug)]
pub(super) struct Union {
    limbs: Vec<Limb>,
    blend: f32,
    low: Point,
    high: Point,
}

impl Union {
    pub(super) fn new(limbs: Vec<Limb>, blend: f32) -> Self {
        let (low, high) = bounds(limbs.iter());
        let melt = at(blend, blend) * 0.25; // a smooth minimum is at most this much below the smallest value
        Self { limbs, blend, low: low - melt, high: high + melt }
    }

    pub(super) fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// The surface of the union at `p`. `None` if `p` is certainly more than `margin` outside.
    pub(super) fn surface(&self, p: Point, margin: f32) -> Option<Surface> {
        let (aside_x, aside_y) = ((self.low.x - p.x).max(p.x - self.high.x), (self.low.y - p.y).max(p.y - self.high.y));
        if aside_x.max(aside_y) > margin {
            return None;
        }
        let mut all: Option<Surface> = None;
        for limb in &self.limbs {
            // Limbs farther away than this do not affect the smooth minimum.
            let limit = all.map_or(margin, |all| all.distance) + self.blend;
            let Some(next) = limb.surface(p, limit) else { continue };
            let Some(before) = all else {
                all = Some(next);
                continue;
            };
            // Polynomial smooth minimum, with the weight of its slope used for everything else.
            let h = (0.5 + 0.5 * (before.distance - next.distance) / self.blend).clamp(0.0, 1.0);
            let nearer = if h > 0.5 { next } else { before };
            all = Some(Surface {
                distance: mix(before.distance, next.distance, h) - self.blend * h * (1.0 - h),
                normal: before.normal * (1.0 - h) + next.normal * h,
                radius: mix(before.radius, next.radius, h),
                ..nearer
            });
        }
        all
    }
}

/// Corners (least, greatest) of the box around `limbs`.
pub(super) fn bounds<'a>(limbs: impl Iterator<Item = &'a Limb>) -> (Point, Point) {
    let start = (at(f32::MAX, f32::MAX), at(f32::MIN, f32::MIN));
    limbs.flat_map(|l| [(l.a, l.ra), (l.b, l.rb)]).fold(start, |(low, high), (p, r)| {
        (at(low.x.min(p.x - r), low.y.min(p.y - r)), at(high.x.max(p.x + r), high.y.max(p.y + r)))
    })
}
