//! Bodies: sitting, standing, lying, seen from the front, and close-ups of a head.

use super::{
    breeds::{Breed, Build, Tail},
    coat::Region,
    figure::{Figure, Layer, Skull},
    geometry::{Limb, Point, at, direction, limb},
    head,
    noise::Draws,
};

/// Posture of an animal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pose {
    SittingSide,
    StandingSide,
    Lying,
    Frontal,
    CloseUp,
}

/// Poses, repeated in proportion to their frequency in photographs.
pub(super) const POSES: [Pose; 9] = [
    Pose::SittingSide,
    Pose::StandingSide,
    Pose::Lying,
    Pose::Frontal,
    Pose::CloseUp,
    Pose::SittingSide,
    Pose::Frontal,
    Pose::Lying,
    Pose::CloseUp,
];

/// A trunk with its limbs, from front to back, and the position of the head.
struct Trunk {
    /// Limbs in front of the body.
    near: Vec<Layer>,
    body: Vec<Limb>,
    far: Vec<Layer>,
    /// The point at which the neck leaves the trunk, and its radius there.
    withers: (Point, f32),
    head: Point,
    /// Range of the head's yaw.
    yaw: (f32, f32),
}

/// An animal of `breed` in `pose`.
pub(super) fn figure(breed: &Breed, pose: Pose, draws: &mut Draws) -> Figure {
    let build = &breed.build;
    let trunk = match pose {
        Pose::SittingSide => sitting(build, draws),
        Pose::StandingSide => standing(build, draws),
        Pose::Lying => lying(build, draws),
        Pose::Frontal => frontal(build, draws),
        Pose::CloseUp => close_up(build, draws),
    };
    let yaw = draws.within(trunk.yaw.0, trunk.yaw.1).max(0.0);
    let axis = direction(draws.about(0.06));
    let nod = at(draws.about(0.06), draws.about(0.05));
    let skull = Skull { centre: trunk.head + nod, radius: build.head, axis, yaw };
    // Long fur thickens the neck into a ruff.
    let neck = build.head * 0.72 + 0.05 * breed.coat.fur;
    let (withers, shoulder) = trunk.withers;
    let throat = skull.centre + at(-0.1 * build.head * yaw, 0.25 * build.head);
    let mut body = trunk.body;
    body.push(limb(withers, throat, shoulder, neck));
    let mut layers = head::layers(breed, &skull, draws);
    layers.extend(trunk.near);
    layers.push(Layer::new(Region::Body, body, 0.12));
    layers.extend(trunk.far);
    Figure { layers, skull }
}

/// A leg through `joints` with a paw. Its radius changes from `top` to `foot`.
fn leg(joints: &[Point], top: f32, foot: f32, paw: Point) -> Layer {
    let down = |i: usize| i as f32 / (joints.len() - 1) as f32;
    let thick = |i: usize| top + (foot - top) * down(i);
    let bone = |(i, ends): (usize, &[Point])| limb(ends[0], ends[1], thick(i), thick(i + 1)).part(down(i), down(i + 1));
    let mut limbs: Vec<Limb> = joints.windows(2).enumerate().map(bone).collect();
    if let Some(&ankle) = joints.last() {
        limbs.push(limb(ankle, ankle + paw, foot, foot * 1.05).part(1.0, 1.0));
    }
    Layer::new(Region::Leg, limbs, 0.07)
}

/// A tail from `root`, first pointing to `out` (a unit vector) and bending upwards.
fn tail(build: &Build, root: Point, out: Point, draws: &mut Draws) -> Layer {
    let (long, thick, bend) = match build.tail {
        Tail::Thin => (0.55, [0.06, 0.045, 0.035, 0.03], draws.within(-0.12, 0.15)),
        Tail::Plume => (0.6, [0.08, 0.12, 0.13, 0.06], draws.within(-0.08, 0.12)),
        Tail::Curled => (0.42, [0.08, 0.10, 0.10, 0.08], 0.23),
        Tail::Stub => (0.14, [0.06, 0.06, 0.05, 0.05], 0.02),
    };
    let (long, thick) = (long * (0.5 + build.length * 0.6), thick.map(|r| r * (0.6 + build.bulk * 1.6)));
    let (mut from, mut heading) = (root, out);
    let mut limbs = Vec::with_capacity(3);
    for i in 0..3 {
        let to = from + heading * (long / 3.0);
        let to = at(to.x, to.y.min(-thick[i + 1])); // not below the ground
        limbs.push(limb(from, to, thick[i], thick[i + 1]));
        from = to;
        heading = heading.turned(direction(bend));
    }
    Layer::new(Region::Tail, limbs, 0.08)
}

fn standing(build: &Build, draws: &mut Draws) -> Trunk {
    let Build { leg: high, length, bulk, head, .. } = *build;
    let hip = at(-length * 0.5, -(high + bulk * 0.55));
    let shoulder = at(length * 0.5, -(high + bulk * 0.65));
    let body = vec![limb(hip, shoulder, bulk * 0.85, bulk * 1.05)];
    let stride = draws.about(0.16);
    let foot = (0.24 * bulk).max(0.035);
    let fore = |step: f32| {
        let x = shoulder.x + 0.02;
        let joints = [at(x, shoulder.y + bulk * 0.3), at(x + step * 0.3, -high * 0.5), at(x + step, -foot)];
        leg(&joints, bulk * 0.5, foot, at(0.05, 0.0))
    };
    let hind = |step: f32| {
        let x = hip.x;
        let joints = [
            at(x - 0.02, hip.y + bulk * 0.2),
            at(x + 0.06 + step * 0.3, -high * 0.55),
            at(x - 0.07 + step, -high * 0.28),
            at(x - 0.03 + step, -foot),
        ];
        leg(&joints, bulk * 0.62, foot, at(0.06, 0.0))
    };
    let up = draws.within(0.1, 0.9);
    let head_at = at(shoulder.x + bulk * 0.55 + head * 0.5, shoulder.y - bulk * 0.5 - head * (0.3 + up));
    let out = direction(0.5 + draws.within(-0.06, 0.2));
    Trunk {
        near: vec![fore(stride).flat(0.5), hind(-stride).flat(0.5)],
        body,
        far: vec![
            fore(-stride - 0.08).shaded(0.7),
            hind(stride + 0.1).shaded(0.7),
            tail(build, hip + at(-bulk * 0.6, -bulk * 0.4), out, draws),
        ],
        withers: (shoulder + at(0.02, -bulk * 0.2), bulk * 0.75),
        head: head_at,
        yaw: (0.1, 1.0),
    }
}

fn sitting(build: &Build, draws: &mut Draws) -> Trunk {
    let Build { leg: high, length, bulk, head, .. } = *build;
    let lean = draws.within(0.25, 0.45) * length;
    let hip = at(-0.16, -bulk * 0.95);
    let shoulder = at(hip.x + lean, -(high + bulk * 0.9 + 0.1));
    let foot = (0.25 * bulk).max(0.038);
    let haunch = Layer::new(
        Region::Body,
        vec![
            limb(hip + at(0.0, -0.02), hip + at(bulk * 0.6, bulk * 0.2), bulk * 0.85, bulk * 0.55),
            limb(hip + at(0.0, bulk * 0.95 - foot), hip + at(bulk * 1.4, bulk * 0.95 - foot), foot, foot),
        ],
        0.06,
    );
    let fore = |dx: f32| {
        let x = shoulder.x + 0.05 + dx;
        leg(&[at(x - 0.04, shoulder.y + bulk * 0.4), at(x, -high * 0.5), at(x, -foot)], bulk * 0.5, foot, at(0.06, 0.0))
    };
    let body = vec![limb(hip, shoulder, bulk * 1.02, bulk * 0.95)];
    let out = direction(0.5 + draws.within(-0.02, 0.12));
    let tail = tail(build, at(hip.x - bulk * 0.8, -0.1), out, draws);
    Trunk {
        near: vec![fore(0.0).flat(0.6), haunch.flat(0.55)],
        body,
        far: vec![fore(0.1).shaded(0.75), tail],
        withers: (shoulder, bulk * 0.85),
        head: shoulder + at(0.06 + head * 0.3, -(bulk * 0.5 + head * 0.85)),
        yaw: (0.0, 0.9),
    }
}

fn lying(build: &Build, draws: &mut Draws) -> Trunk {
    let Build { leg: high, length, bulk, head, .. } = *build;
    let hip = at(-length * 0.45, -bulk * 0.92);
    let shoulder = at(length * 0.45, -bulk * 1.05);
    let foot = (0.25 * bulk).max(0.038);
    let haunch = Layer::new(
        Region::Body,
        vec![
            limb(hip + at(0.03, -0.02), hip + at(bulk * 0.7, bulk * 0.25), bulk * 0.85, bulk * 0.5),
            limb(hip + at(0.0, bulk * 0.92 - foot), hip + at(bulk * 1.5, bulk * 0.92 - foot), foot, foot),
        ],
        0.06,
    );
    let reach = high * draws.within(0.45, 0.9) + 0.1;
    let fore = |dx: f32| {
        let elbow = at(shoulder.x - 0.02, -foot * 1.6);
        leg(
            &[shoulder + at(0.0, bulk * 0.35), elbow, at(shoulder.x + reach + dx, -foot)],
            bulk * 0.45,
            foot,
            at(0.05, 0.0),
        )
    };
    let body = vec![limb(hip, shoulder, bulk * 0.92, bulk * 0.98)];
    // The head is up, or down on the paws.
    let head_at = if draws.chance(0.7) {
        shoulder + at(bulk * 0.4 + head * 0.3, -(bulk * 0.6 + head * 0.7))
    } else {
        at(shoulder.x + bulk * 0.8 + head * 0.4, -head * 0.95)
    };
    let tail = tail(build, at(hip.x - bulk * 0.7, -0.12), direction(0.5 + draws.within(-0.02, 0.08)), draws);
    Trunk {
        near: vec![fore(0.0).flat(0.6), haunch.flat(0.55)],
        body,
        far: vec![fore(-0.1).shaded(0.75), tail],
        withers: (shoulder, bulk * 0.8),
        head: head_at,
        yaw: (0.0, 1.0),
    }
}

fn frontal(build: &Build, draws: &mut Draws) -> Trunk {
    let Build { leg: high, bulk, head, .. } = *build;
    let top = -(high + bulk * 0.9);
    let foot = (0.27 * bulk).max(0.04);
    let sway = draws.about(0.08);
    let fore = |side: f32| {
        let x = side * bulk * 0.52;
        leg(
            &[at(x + sway, top + bulk * 0.4), at(x * 0.95, -high * 0.4), at(x, -foot)],
            bulk * 0.42,
            foot,
            at(side * 0.02, 0.01),
        )
    };
    let haunch = |side: f32| {
        let x = side * bulk * 0.95;
        let limbs = vec![
            limb(at(x * 0.8, -bulk * 0.85), at(x * 1.1, -bulk * 0.45), bulk * 0.62, bulk * 0.42),
            limb(at(x * 1.0, -foot), at(x * 1.35, -foot), foot, foot),
        ];
        Layer::new(Region::Body, limbs, 0.06)
    };
    let body = vec![limb(at(0.0, -bulk), at(sway, top), bulk * 1.0, bulk * 0.85)];
    let side = if draws.chance(0.5) { 1.0 } else { -1.0 };
    let out = direction(if side > 0.0 { -0.03 } else { 0.53 });
    let mut behind = vec![haunch(1.0).shaded(0.92), haunch(-1.0).shaded(0.92)];
    if draws.chance(0.6) {
        behind.push(tail(build, at(side * bulk * 0.9, -0.1), out, draws).shaded(0.85));
    }
    Trunk {
        near: vec![fore(1.0).flat(0.7), fore(-1.0).flat(0.7)],
        body,
        far: behind,
        withers: (at(sway, top), bulk * 0.8),
        head: at(sway, top - bulk * 0.35 - head * 0.85),
        yaw: (-0.5, 0.5),
    }
}

fn close_up(build: &Build, draws: &mut Draws) -> Trunk {
    let Build { bulk, head, .. } = *build;
    let lean = draws.about(0.5) * head;
    let chest = bulk.max(head * 0.85);
    // The shoulders widen downwards. Most of them are below the frame.
    let body = vec![
        limb(at(0.0, -0.2 * head), at(-lean, 1.3 * head), chest * 0.85, chest * 1.15),
        limb(at(-lean - 0.5 * chest, 1.2 * head), at(-lean - 0.5 * chest, 1.6 * head), chest * 0.8, chest * 0.8),
        limb(at(-lean + 0.5 * chest, 1.2 * head), at(-lean + 0.5 * chest, 1.6 * head), chest * 0.8, chest * 0.8),
    ];
    Trunk {
        near: Vec::new(),
        body,
        far: Vec::new(),
        withers: (at(0.0, -0.3 * head), chest * 0.8),
        head: at(0.15 * lean, -1.45 * head),
        yaw: (-0.3, 0.9),
    }
}
