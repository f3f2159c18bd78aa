//! Collects the inputs of a convolution's outputs into the panels of a matrix product, and stores its sums.

use super::{
    grid::{Grid, Runs},
    staging::Staging,
};
use crate::{
    isa::{Isa, kernel},
    lanes::{LANES, Lanes},
    scratch::Target,
};
use std::ops::Range;

/// The outputs of a grid, and the elements of staged images that each sees.
#[derive(Debug)]
pub(crate) struct Sampling<'a> {
    pub(crate) staging: Staging,
    /// The result of [`Staging::of`], or the images themselves if they need no border.
    pub(crate) staged: &'a [f32],
    /// True if negative elements count as zeros.
    pub(crate) relu: bool,
    /// Distance of each element under the kernel from the element at the kernel's corner.
    pub(crate) offsets: Vec<usize>,
    pub(crate) grid: Grid,
}

/// The place of a run's first lane in the panel and in the staged images.
type Source = (usize, usize);

impl Sampling<'_> {
    /// The places of a panel's runs in the staged images, and their number.
    pub(crate) fn sources(&self, panel: usize) -> ([Source; LANES], usize) {
        let runs = self.grid.runs(panel);
        let mut sources = [(0, 0); LANES];
        for (source, run) in sources.iter_mut().zip(runs.iter()) {
            let image = run.image * self.staging.channels * self.staging.plane();
            *source = (run.lane, image + run.row * self.staging.row() + run.column);
        }
        (sources, runs.len())
    }

    /// Writes the inputs of the outputs of `panel` in `channels`: `[channel][tap][LANES]`, and a few lanes more.
    pub(crate) fn read(&self, isa: Isa, panel: usize, channels: Range<usize>, out: &mut [f32]) {
        let (sources, count) = self.sources(panel);
        let (plane, offsets) = (self.staging.plane(), &self.offsets);
        if !within(self.staged, &sources[..count], &channels, plane, offsets) {
            self.read_the_last(&sources[..count], channels, out);
        } else if self.relu {
            read::<true>(isa, self.staged, &sources[..count], channels, plane, offsets, out);
        } else {
            read::<false>(isa, self.staged, &sources[..count], channels, plane, offsets, out);
        }
    }
}

impl Sampling<'_> {
    /// Does the same as [`Sampling::read`] for runs so close to the end of images without border that sixteen elements are too
    /// many.
    fn read_the_last(&self, sources: &[Source], channels: Range<usize>, out: &mut [f32]) {
        let taps = channels.flat_map(|c| self.offsets.iter().map(move |offset| c * self.staging.plane() + offset));
        for (at, out) in taps.zip(out.chunks_exact_mut(LANES)) {
            for &(lane, source) in sources {
                let seen = &self.staged[source + at..];
                for (out, &value) in out[lane..].iter_mut().zip(seen) {
                    *out = if self.relu && value < 0.0 { 0.0 } else { value };
                }
            }
        }
    }
}

/// Returns true if sixteen elements may be read at every combination of sources, channels and offsets.
#[inline(always)]
pub(crate) fn within(
    staged: &[f32],
    sources: &[Source],
    channels: &Range<usize>,
    plane: usize,
    offsets: &[usize],
) -> bool {
    let largest = sources.iter().map(|s| s.1).max().unwrap_or(0) + offsets.iter().max().copied().unwrap_or(0);
    channels.is_empty() || largest + (channels.end - 1) * plane + LANES <= staged.len()
}

kernel! {
    fn read<V, const RELU: bool>(
        staged: &[f32],
        sources: &[Source],
        channels: Range<usize>,
        plane: usize,
        offsets: &[usize],
        out: &mut [f32],
    ) {
        assert!(within(staged, sources, &channels, plane, offsets), "an output sees beyond the images");
        assert!(out.len() >= (channels.len() * offsets.len() + 1) * LANES, "a panel is too short");
        let mut to = out.as_mut_ptr();
        // SAFETY: checked above. A run is written with all sixteen lanes: the next run, or the next tap's first, overwrites the
        // excess.
        unsafe {
            for channel in channels {
                let from = staged.as_ptr().add(channel * plane);
                for &offset in offsets {
                    for &(lane, source) in sources {
                        let value = V::load(from.add(source + offset));
                        (if RELU { value.relu() } else { value }).store(to.add(lane));
                    }
                    to = to.add(LANES);
                }
            }
        }
    }
}

/// The operations on every sum before it is stored, in this order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish<'a> {
    /// Added; one element per output channel.
    pub bias: Option<&'a [f32]>,
    /// Has the output's size. Where it is not above 0, the sum is replaced by 0. This takes a gradient back through a ReLU with
    /// this input.
    pub mask: Option<&'a [f32]>,
    /// Has the output's size; added.
    pub add: Option<&'a [f32]>,
}

impl Finish<'_> {
    pub(crate) fn check(&self, channels: usize, length: usize) {
        assert!(self.bias.is_none_or(|b| b.len() == channels), "a bias has one element a channel");
        assert!(self.mask.is_none_or(|m| m.len() == length), "a mask has the output's size");
        assert!(self.add.is_none_or(|a| a.len() == length), "what is added has the output's size");
    }
}

/// The places of outputs: `(image, channel, y, x)` of a grid goes to `(image · channels + channel) · plane + start + y · row +
/// x · column`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    pub(crate) channels: usize,
    pub(crate) plane: usize,
    pub(crate) start: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// Neighbouring lanes whose places are `column` apart.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece {
    lane: usize,
    length: usize,
    place: usize,
}

impl Placement {
    /// The places of a panel's lanes with these runs, in channel 0.
    pub(crate) fn pieces(&self, runs: &Runs) -> ([Piece; LANES], usize) {
        let (mut pieces, mut count) = ([Piece::default(); LANES], 0);
        for run in runs.iter() {
            let place =
                run.image * self.channels * self.plane + self.start + run.row * self.row + run.column * self.column;
            if count > 0 {
                let last: &mut Piece = &mut pieces[count - 1];
                if last.place + last.length * self.column == place {
                    last.length += run.length;
                    continue;
                }
            }
            pieces[count] = Piece { lane: run.lane, length: run.length, place };
            count += 1;
        }
        (pieces, count)
    }
}

impl Finish<'_> {
    /// Stores the sums of one panel, `[channel][LANES]` of `channels`.
    ///
    /// # Safety
    /// The pieces lie in `target`, whose length [`Finish::check`] has seen, and nobody else touches them.
    pub(crate) unsafe fn store(
        self,
        isa: Isa,
        sums: &[f32],
        channels: Range<usize>,
        pieces: &[Piece],
        placement: Placement,
        target: Target,
    ) {
        match (self.mask.is_some(), self.add.is_some()) {
            (false, false) => store::<false, false>(isa, sums, channels, pieces, placement, self, target),
            (false, true) => store::<false, true>(isa, sums, channels, pieces, placement, self, target),
            (true, false) => store::<true, false>(isa, sums, channels, pieces, placement, self, target),
            (true, true) => store::<true, true>(isa, sums, channels, pieces, placement, self, target),
        }
    }

    /// The bias of a channel.
    #[inline(always)]
    pub(crate) fn bias(&self, channel: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[channel])
    }

    /// Stores sums that are `step` apart. `MASK` and `ADD` say whether these are used.
    ///
    /// # Safety
    /// The conditions of [`Finish::store`], for the places from `place` on.
    #[inline(always)]
    pub(crate) unsafe fn line<V: Lanes, const MASK: bool, const ADD: bool>(
        &self,
        sums: &[f32],
        bias: f32,
        place: usize,
        step: usize,
        target: Target,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if sums.len() < LANES || step > 1 {
                for (i, &sum) in sums.iter().enumerate() {
                    self.one::<MASK, ADD>(sum, bias, place + i * step, target);
                }
                return;
            }
            let mut at = 0;
            loop {
                self.whole::<V, MASK, ADD>(&sums[at..], bias, place + at, target);
                if at + LANES == sums.len() {
                    return;
                }
                // The last sixteen overlap with those before; the overlap gets the same values again.
                at = (at + LANES).min(sums.len() - LANES);
            }
        }
    }

    /// # Safety
    /// The conditions of [`Finish::line`], for sixteen places.
    #[inline(always)]
    unsafe fn whole<V: Lanes, const MASK: bool, const ADD: bool>(
        &self,
        sums: &[f32],
        bias: f32,
        place: usize,
        target: Target,
    ) {
        // SAFETY: the caller's promise; there are sixteen sums.
        unsafe {
            let mut out = V::load(sums.as_ptr()).add(V::splat(bias));
            if MASK && let Some(mask) = self.mask {
                let mask = &*mask.as_ptr().add(place).cast::<[f32; LANES]>();
                let mut values = [0.0; LANES];
                out.write(&mut values);
                values.iter_mut().zip(mask).for_each(|(v, &m)| *v = if m <= 0.0 { 0.0 } else { *v });
                out = V::from_array(&values);
            }
            if ADD && let Some(add) = self.add {
                out = out.add(V::load(add.as_ptr().add(place)));
            }
            out.store(target.at(place));
        }
    }

    /// # Safety
    /// The conditions of [`Finish::line`], for one place.
    #[inline(always)]
    unsafe fn one<const MASK: bool, const ADD: bool>(&self, sum: f32, bias: f32, place: usize, target: Target) {
        let mut value = sum + bias;
        // SAFETY: the caller's promise.
        unsafe {
            if MASK && self.mask.is_some_and(|mask| *mask.get_unchecked(place) <= 0.0) {
                value = 0.0;
            }
            if ADD && let Some(add) = self.add {
                value += *add.get_unchecked(place);
            }
            *target.at(place) = value;
        }
    }
}

kernel! {
    fn store<V, const MASK: bool, const ADD: bool>(
        sums: &[f32],
        channels: Range<usize>,
        pieces: &[Piece],
        placement: Placement,
        finish: Finish<'_>,
        target: Target,
    ) {
        let (sums, _) = sums.as_chunks::<LANES>();
        for (channel, sums) in channels.zip(sums) {
            let bias = finish.bias(channel);
            for piece in pieces {
                let place = piece.place + channel * placement.plane;
                let sums = &sums[piece.lane..piece.lane + piece.length];
                // SAFETY: the promise made to `Finish::store`.
                unsafe { finish.line::<V, MASK, ADD>(sums, bias, place, placement.column, target) };
            }
        }
    }
}
