//! An animal in a pose, as layers of limbs from front to back.

use super::{
    coat::{Colour, Region},
    geometry::{Limb, Point, Surface, Union, at, bounds},
};

/// A spot of one colour on a layer, such as an eye, a nose, a mouth or the inside of an ear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) shape: Limb,
    pub(super) colour: Colour,
}

/// A part of the body that hides what lies behind it.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) region: Region,
    pub(super) body: Union,
    /// Front to back.
    pub(super) marks: Vec<Mark>,
    /// 1 for near limbs, less for those in the body's own shade.
    pub(super) shade: f32,
    /// Contrast of its outline with the layers behind it. It is lower where a thigh lies on a flank.
    pub(super) relief: f32,
}

impl Layer {
    pub(super) fn new(region: Region, limbs: Vec<Limb>, blend: f32) -> Self {
        Self { region, body: Union::new(limbs, blend), marks: Vec::new(), shade: 1.0, relief: 1.0 }
    }

    pub(super) fn shaded(self, shade: f32) -> Self {
        Self { shade, ..self }
    }

    pub(super) fn flat(self, relief: f32) -> Self {
        Self { relief, ..self }
    }
}

/// Position of the skull. A face's markings turn with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skull {
    pub(super) centre: Point,
    pub(super) radius: f32,
    /// The skull's own x axis.
    pub(super) axis: Point,
    /// 0 looks at the camera, 1 to the side, along +x.
    pub(super) yaw: f32,
}

impl Skull {
    /// Converts the skull's coordinates (radii from its centre) to the pet's.
    pub(super) fn out(&self, x: f32, y: f32) -> Point {
        self.centre + at(x, y).turned(self.axis) * self.radius
    }

    /// Converts the pet's coordinates to the face's. It undoes [`Skull::out`] and measures x from the middle of the
    /// face.
    pub(super) fn face(&self, p: Point) -> Point {
        let q = (p - self.centre).unturned(self.axis) * (1.0 / self.radius);
        at(q.x - 0.45 * self.yaw, q.y)
    }
}

/// An animal in its own coordinates: the ground at y = 0, up is negative, side views face +x.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Front to back.
    pub(super) layers: Vec<Layer>,
    pub(super) skull: Skull,
}

/// The first thing that a ray through the figure meets.
pub(super) enum Hit<'a> {
    Mark(Colour),
    Coat(&'a Layer, Surface),
}

impl Figure {
    /// Corners of the box around it.
    pub(super) fn bounds(&self) -> (Point, Point) {
        bounds(self.layers.iter().flat_map(|layer| layer.body.limbs()))
    }

    /// Finds the mark or coat at `p` if the outline is moved outwards by `fuzz()`, which is never beyond +-`reach`.
    pub(super) fn hit(&self, p: Point, reach: f32, fuzz: impl Fn() -> f32) -> Option<Hit<'_>> {
        self.layers.iter().find_map(|layer| {
            let surface = layer.body.surface(p, reach)?;
            if let Some(mark) = layer.marks.iter().find(|mark| mark.shape.distance(p) < 0.0) {
                return Some(Hit::Mark(mark.colour));
            }
            let inside = surface.distance < -reach || (surface.distance < reach && surface.distance < fuzz());
            inside.then_some(Hit::Coat(layer, surface))
        })
    }

    /// True if `p` is more than `margin` inside some layer.
    pub(super) fn holds(&self, p: Point, margin: f32) -> bool {
        self.layers.iter().any(|layer| layer.body.surface(p, 0.0).is_some_and(|s| s.distance < -margin))
    }
}
