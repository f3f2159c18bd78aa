//! An animal placed in the frame: its position, and the colour of each of its points.

use super::{
    breeds::Breed,
    coat::{Coat, Colour, lit},
    figure::{Figure, Hit},
    geometry::{Point, Surface, at, direction, smooth},
    light::Light,
    noise::{Draws, value},
    poses::{POSES, Pose, figure},
};

/// Cells of fur across the frame's side, perpendicular to the strands. Fur is fine detail: at 64 pixels a strand is
/// about two pixels wide. A slight blur removes the only difference between a coat and a wall of the same colour.
const STRANDS: f32 = 31.0;

/// Position of an animal in the frame, whose corners are (0, 0) and (1, 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    /// Centre of the animal's bounding box.
    pub(super) centre: Point,
    /// Longer side of the bounding box.
    pub(super) extent: f32,
    /// The direction of the animal's own x axis.
    pub(super) axis: Point,
    /// True if left and right are swapped.
    pub(super) mirrored: bool,
}

impl Placement {
    /// A common place for a figure in `pose`, of width and height `size`: all in view or cut by an edge.
    fn drawn(pose: Pose, size: Point, draws: &mut Draws) -> Self {
        let extent = match pose {
            Pose::CloseUp => draws.within(1.1, 1.65),
            _ => draws.within(0.78, 1.10) - if draws.chance(0.20) { draws.within(0.0, 0.35) } else { 0.0 },
        };
        let room = (1.0 - extent).max(0.0) * 0.5;
        let cut = if draws.chance(0.3) { 0.18 } else { 0.05 };
        let centre = match pose {
            Pose::CloseUp => {
                // The chest extends below the frame, and the ears stay inside.
                let half = extent * 0.5 * size.y / size.x.max(size.y);
                at(0.5 + draws.about(0.18), draws.within(0.02, 0.22) + half)
            }
            _ => at(0.5 + draws.about(room + cut), 0.53 + draws.about(room + cut)),
        };
        Self { centre, extent, axis: direction(draws.about(0.035)), mirrored: draws.chance(0.5) }
    }
}

/// An animal in the frame.
pub(super) struct Pet {
    pub(super) pose: Pose,
    figure: Figure,
    coat: Coat,
    seed: u32,
    bare: bool,
    /// Centre of the figure's bounding box and its longer side.
    middle: Point,
    size: Point,
    placement: Placement,
}

impl Pet {
    /// An animal of `breed`, placed by [`Placement::drawn`].
    pub(super) fn drawn(breed: &Breed, draws: &mut Draws) -> Self {
        let pose = draws.pick(&POSES);
        let figure = figure(breed, pose, draws);
        let (low, high) = figure.bounds();
        let size = high - low;
        let coat = breed.coat.jittered(draws);
        Self {
            pose,
            figure,
            coat,
            seed: draws.word(),
            bare: coat.fur <= 0.0,
            middle: (low + high) * 0.5,
            size,
            placement: Placement::drawn(pose, size, draws),
        }
    }

    /// Places it elsewhere. If this is the `last` try, it is large and in the middle.
    pub(super) fn replace(&mut self, last: bool, draws: &mut Draws) {
        self.placement = Placement::drawn(self.pose, self.size, draws);
        if last {
            (self.placement.centre, self.placement.extent) = (at(0.5, 0.5), 1.1);
        }
    }

    pub(super) fn coat(&self) -> &Coat {
        &self.coat
    }

    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Number of frame units in one unit of the figure.
    fn scale(&self) -> f32 {
        self.placement.extent / self.size.x.max(self.size.y)
    }

    /// Converts a point of the frame to the figure's coordinates.
    fn inwards(&self, p: Point) -> Point {
        let q = (p - self.placement.centre).unturned(self.placement.axis) * (1.0 / self.scale());
        at(if self.placement.mirrored { -q.x } else { q.x }, q.y) + self.middle
    }

    /// Converts a direction of the figure to the frame's coordinates.
    fn outwards(&self, v: Point) -> Point {
        at(if self.placement.mirrored { -v.x } else { v.x }, v.y).turned(self.placement.axis)
    }

    /// The lowest point of its bounding box in the frame. It stands there.
    pub(super) fn footing(&self) -> Point {
        let (_, high) = self.figure.bounds();
        let down = at(0.0, high.y - self.middle.y) * self.scale();
        self.placement.centre + self.outwards(down)
    }

    /// True if the point `p` of the frame is on it, by at least `margin`.
    pub(super) fn holds(&self, p: Point, margin: f32) -> bool {
        self.figure.holds(self.inwards(p), margin / self.scale())
    }

    /// Its colour at `p` of the frame. `None` outside it.
    pub(super) fn colour(&self, p: Point, light: &Light) -> Option<Colour> {
        let q = self.inwards(p);
        let scale = self.scale();
        let aside = at((q.x - self.middle.x).abs(), (q.y - self.middle.y).abs()) - self.size * 0.5;
        if aside.x.max(aside.y) > 0.05 / scale {
            return None; // this common case is cheap
        }
        // Tufts along the outline; those of long fur stand out further.
        let depth = (0.002 + 0.020 * self.coat.fur) / scale;
        let tufts = || depth * (value(p * 46.0, self.seed ^ 0xF0) - 0.45);
        match self.figure.hit(q, depth * 0.55, tufts)? {
            Hit::Mark(colour) => Some(lit(colour, light.on(at(0.0, 0.0), 0.0))),
            Hit::Coat(layer, surface) => {
                let face = self.figure.skull.face(q);
                let colour = self.coat.colour(layer.region, &surface, q, face, self.seed);
                // 0 on the limb's axis and 1 on its outline. It says how far the surface turns away.
                let tilt = (1.0 + surface.distance / surface.radius.max(1e-3)).clamp(0.0, 1.0);
                let fold = 1.0 - 0.36 * layer.relief * smooth(0.82, 1.0, tilt);
                let shade = light.on(self.outwards(surface.normal), tilt * layer.relief) * layer.shade * fold;
                Some(lit(colour, shade * self.fur(p, &surface)))
            }
        }
    }

    /// Brightness of the strands of fur at `p` of the frame, about 1.
    fn fur(&self, p: Point, surface: &Surface) -> f32 {
        if self.bare {
            return 1.0 + 0.10 * (value(p * STRANDS, self.seed) - 0.5);
        }
        let Coat { fur, curly, .. } = self.coat;
        let grain = self.outwards(surface.grain);
        let (along, across) = (p.dot(grain), p.dot(grain.across()));
        // Long fur falls in waves, curly fur in rings.
        let sway = if fur > 0.3 { (value(p * 7.0, self.seed ^ 0x5A) - 0.5) * 0.10 * fur.min(1.0) } else { 0.0 };
        let stretch = if curly { 0.7 } else { 0.22 };
        let strands = value(at((across + sway) * STRANDS, along * STRANDS * stretch), self.seed ^ 0xC3);
        let finer = value(at((across + sway) * STRANDS * 2.1, along * STRANDS * stretch), self.seed ^ 0x3C);
        let depth = 0.70 + 0.20 * fur.min(1.0);
        1.0 + depth * (0.7 * strands + 0.45 * finer - 0.575)
    }
}
