//! The transforms of tiles with 2×2 outputs, applied from the left. From the right they are the same.
//!
//! `SEEN` is the side of the window that a tile sees: 4 for kernels of 3×3, 3 for kernels of 2×2.

use crate::lanes::Lanes;

/// `Bᵀ·d` of a column of the window.
#[inline(always)]
pub(crate) fn of_window<V: Lanes, const SEEN: usize>(d: [V; SEEN]) -> [V; SEEN] {
    let mut out = d;
    if SEEN == 4 {
        out[0] = d[0].sub(d[2]);
        out[1] = d[1].add(d[2]);
        out[2] = d[2].sub(d[1]);
        out[3] = d[1].sub(d[3]);
    } else {
        out[0] = d[0].sub(d[1]);
        out[2] = d[1].sub(d[2]);
    }
    out
}

/// `Aᵀ·m` of a column of products: two outputs.
#[inline(always)]
pub(crate) fn of_products<V: Lanes, const SEEN: usize>(m: [V; SEEN]) -> [V; 2] {
    if SEEN == 4 { [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])] } else { [m[0].add(m[1]), m[1].sub(m[2])] }
}

/// `A·d` of a column of two outputs' gradients.
#[inline(always)]
pub(crate) fn of_outputs<V: Lanes, const SEEN: usize>(a: V, b: V) -> [V; SEEN] {
    let mut out = [a; SEEN];
    out[1] = a.add(b);
    if SEEN == 4 {
        out[2] = a.sub(b);
    }
    out[SEEN - 1] = V::splat(0.0).sub(b);
    out
}

/// `Gᵀ·s` of a column of sums: the gradients of a kernel's column. Only `SEEN − 1` of them are used.
#[inline(always)]
pub(crate) fn of_sums<V: Lanes, const SEEN: usize>(s: [V; SEEN]) -> [V; 3] {
    if SEEN == 4 {
        let half = V::splat(0.5);
        let (plus, minus) = (s[1].add(s[2]).mul(half), s[1].sub(s[2]).mul(half));
        [s[0].add(plus), minus, plus.add(s[3])]
    } else {
        [s[0].add(s[1]), s[1].add(s[2]), s[2]]
    }
}

/// Elements of the kernels of some filters, side by side. There are two more than in a panel, to fill whole registers.
pub(crate) type Filters = [f32; 8];

/// `G·g` of a column of kernels. Only `SEEN − 1` elements are used.
#[inline(always)]
pub(crate) fn of_kernel<const SEEN: usize>(g: [&Filters; 3]) -> [Filters; SEEN] {
    let mut out = [*g[0]; SEEN];
    out[SEEN - 1] = *g[SEEN - 2];
    for i in 0..8 {
        if SEEN == 4 {
            let outer = g[0][i] + g[2][i];
            out[1][i] = 0.5 * (outer + g[1][i]);
            out[2][i] = 0.5 * (outer - g[1][i]);
        } else {
            out[1][i] = g[0][i] + g[1][i];
        }
    }
    out
}
