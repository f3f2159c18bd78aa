//! Operations on many tensors in one launch: steps of Adam, the norm of all gradients, clipping by it, and conversions of
//! weights and their gradients between candle's layout and cuDNN's.

use super::{
    engine::{Argument, Argument::Address, LISTS, count},
    memory::{empty, make, require_f32, suffix, with_addresses},
};
use crate::ops::{AdamSlot, AdamStep};
use candle_core::{DType, Error, Result, Tensor, cuda_backend::cudarc::driver::DeviceRepr};
use std::cell::RefCell;

/// The largest number of tensors in one launch: a kernel's parameters may have 4 KiB.
const ITEMS: usize = 80;

/// Elements that one block handles: each of its 256 threads handles 4.
const ELEMENTS: usize = 1024;

/// Elements of a converted weight are counted in steps of this, so that each begins where cuDNN can load 16 bytes at once.
const STEP: usize = 128;

/// A tensor, or several of the same size, as `kernels/lists.cu` takes them.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Item {
    addresses: [u64; 4],
    n: u32,
    /// The first block that handles it.
    first: u32,
    rows: u32,
    columns: u32,
}

/// A kernel's list of tensors.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    count: u32,
    pub(super) blocks: u32,
    items: [Item; ITEMS],
}

// SAFETY: plain numbers, laid out as in C.
unsafe impl DeviceRepr for List {}

/// Splits items into lists. Those without elements are left out.
fn lists(items: &[Item]) -> Result<Vec<List>> {
    let items: Vec<&Item> = items.iter().filter(|item| item.n > 0).collect();
    let list = |items: &[&Item]| {
        let mut list = List { count: count(items.len())?, blocks: 0, items: [Item::default(); ITEMS] };
        for (place, item) in list.items.iter_mut().zip(items) {
            *place = Item { first: list.blocks, ..**item };
            list.blocks = count(list.blocks as usize + (item.n as usize).div_ceil(ELEMENTS))?;
        }
        Ok(list)
    };
    items.chunks(ITEMS).map(list).collect()
}

/// See [`crate::ops::adam`].
pub(in crate::ops) fn adam(slots: &[AdamSlot<'_>], step: AdamStep) -> Result<()> {
    let gradients = slots.iter().map(|slot| slot.gradient.contiguous()).collect::<Result<Vec<_>>>()?;
    let all: Vec<&Tensor> = slots
        .iter()
        .zip(&gradients)
        .flat_map(|(slot, gradient)| [slot.weight, slot.first, slot.second, gradient])
        .collect();
    all.iter().try_for_each(|tensor| require_f32(tensor, "adam"))?;
    let reals = [
        step.beta1,
        1.0 - step.beta1,
        step.beta2,
        1.0 - step.beta2,
        step.keep,
        step.rate,
        step.correction.sqrt().recip(),
        step.epsilon,
    ];
    if all.is_empty() {
        return Ok(());
    }
    // The kernel overwrites weights and moments in place. Only the optimiser changes them, and everything that reads them is
    // ordered in the same stream.
    with_addresses(&all, |engine, from| {
        let item = |(addresses, slot): (&[u64], &AdamSlot<'_>)| {
            let &[a, b, c, d] = addresses else { return Err(Error::Msg("adam without a gradient".into())) };
            Ok(Item { addresses: [a, b, c, d], n: count(slot.weight.elem_count())?, ..Item::default() })
        };
        let items = from.chunks(4).zip(slots).map(item).collect::<Result<Vec<_>>>()?;
        lists(&items)?.iter().try_for_each(|list| engine.launch_list("adam", list, &reals.map(Argument::real)))
    })
}

/// See [`crate::ops::gradient_norm`].
pub(in crate::ops) fn gradient_norm(gradients: &[&Tensor]) -> Result<Tensor> {
    let gradients: Vec<Tensor> = gradients.iter().map(|gradient| gradient.contiguous()).collect::<Result<_>>()?;
    gradients.iter().try_for_each(|gradient| require_f32(gradient, "a gradient's norm"))?;
    let inputs: Vec<&Tensor> = gradients.iter().collect();
    let blocks: usize = gradients.iter().map(|gradient| gradient.elem_count().div_ceil(ELEMENTS)).sum();
    let pieces = make(&inputs, DType::F64, blocks, |engine, from, to| {
        let item = |(&address, gradient): (&u64, &&Tensor)| {
            Ok(Item { addresses: [address, 0, 0, 0], n: count(gradient.elem_count())?, ..Item::default() })
        };
        let items = from.iter().zip(&inputs).map(item).collect::<Result<Vec<_>>>()?;
        let mut to = to;
        for list in lists(&items)? {
            engine.launch_list("square_pieces", &list, &[Address(to)])?;
            to += u64::from(list.blocks) * size_of::<f64>() as u64;
        }
        Ok(())
    })?;
    make(&[&pieces], DType::F64, (), |engine, from, to| {
        let arguments = [Address(from[0]), Argument::count(blocks)?, Address(to)];
        engine.launch(&LISTS, "norm_total", (1, 1, 1), (256, 1, 1), &arguments)
    })
}

/// See [`crate::ops::clip`].
pub(in crate::ops) fn clip(gradients: &[&Tensor], norm: &Tensor, most: f64, epsilon: f64) -> Result<Vec<Tensor>> {
    let gradients: Vec<Tensor> = gradients.iter().map(|gradient| gradient.contiguous()).collect::<Result<_>>()?;
    gradients.iter().try_for_each(|gradient| require_f32(gradient, "a gradient to be clipped"))?;
    let clipped = gradients.iter().map(|gradient| empty(DType::F32, gradient.shape(), gradient.device()));
    let clipped = clipped.collect::<Result<Vec<_>>>()?;
    let pairs = gradients.iter().zip(&clipped).flat_map(|(from, to)| [from, to]);
    let all: Vec<&Tensor> = std::iter::once(norm).chain(pairs).collect();
    with_addresses(&all, |engine, from| {
        let Some((&norm, pairs)) = from.split_first() else { return Ok(()) };
        let item = |(pair, gradient): (&[u64], &Tensor)| {
            let n = count(gradient.elem_count())?;
            Ok(Item { addresses: [pair[0], pair[1], 0, 0], n, ..Item::default() })
        };
        let items = pairs.chunks_exact(2).zip(&gradients).map(item).collect::<Result<Vec<_>>>()?;
        let arguments = [Address(norm), Argument::Double(most), Argument::Double(epsilon)];
        lists(&items)?.iter().try_for_each(|list| engine.launch_list("clip", list, &arguments))
    })?;
    Ok(clipped)
}

/// A conversion of a tensor's type, and a transposition of its memory: `[.., rows, columns] -> [.., columns, rows]`.
struct Conversion {
    from: Tensor,
    to: Tensor,
    rows: usize,
    columns: usize,
}

/// Performs conversions, all from one type to one other.
fn convert(conversions: &[Conversion]) -> Result<()> {
    let Some(first) = conversions.first() else { return Ok(()) };
    let name = format!("swap_all_{}_{}", suffix(first.from.dtype())?, suffix(first.to.dtype())?);
    let all: Vec<&Tensor> = conversions.iter().flat_map(|conversion| [&conversion.from, &conversion.to]).collect();
    with_addresses(&all, |engine, addresses| {
        let item = |(pair, conversion): (&[u64], &Conversion)| {
            Ok(Item {
                addresses: [pair[0], pair[1], 0, 0],
                n: count(conversion.from.elem_count())?,
                first: 0,
                rows: count(conversion.rows)?,
                columns: count(conversion.columns)?,
            })
        };
        let items = addresses.chunks_exact(2).zip(conversions).map(item).collect::<Result<Vec<_>>>()?;
        lists(&items)?.iter().try_for_each(|list| engine.launch_list(&name, list, &[]))
    })
}

/// Converts convolutions' weights `[O, C, KH, KW]` to type `dtype` and cuDNN's layout for channels last, in one piece of memory.
pub(super) fn converted(weights: &[&Tensor], dtype: DType) -> Result<Vec<Tensor>> {
    let Some(first) = weights.first() else { return Ok(Vec::new()) };
    let room = |weight: &Tensor| weight.elem_count().next_multiple_of(STEP);
    let memory = empty(dtype, weights.iter().map(|weight| room(weight)).sum::<usize>(), first.device())?;
    let mut conversions = Vec::with_capacity(weights.len());
    let mut at = 0;
    for weight in weights {
        require_f32(weight, "a convolution's weight")?;
        let (_, rows, kh, kw) = weight.dims4()?;
        let to = memory.narrow(0, at, weight.elem_count())?.reshape(weight.shape())?;
        at += room(weight);
        conversions.push(Conversion { from: weight.contiguous()?.detach(), to, rows, columns: kh * kw });
    }
    convert(&conversions)?;
    Ok(conversions.into_iter().map(|conversion| conversion.to).collect())
}

thread_local! {
    /// Gradients of weights that are known in cuDNN's layout only.
    static LATER: RefCell<Vec<Conversion>> = const { RefCell::new(Vec::new()) };
}

/// The gradient of a weight `[O, C, KH, KW]` in f32 and candle's layout, from that in cuDNN's. It is computed by [`settle`].
pub(super) fn settled_later(gradient: Tensor) -> Result<Tensor> {
    let (_, channels, kh, kw) = gradient.dims4()?;
    let to = empty(DType::F32, gradient.shape(), gradient.device())?;
    LATER.with_borrow_mut(|later| {
        later.push(Conversion { from: gradient, to: to.clone(), rows: kh * kw, columns: channels });
    });
    Ok(to)
}

/// Computes all gradients that were left for later.
pub(in crate::ops) fn settle() -> Result<()> {
    convert(&LATER.take())
}

/// Computes them if one of `tensors` is among them.
pub(in crate::ops) fn settle_for(tensors: [&Tensor; 2]) -> Result<()> {
    let among = |tensor: &Tensor| LATER.with_borrow(|later| later.iter().any(|one| one.to.id() == tensor.id()));
    if tensors.into_iter().any(among) { settle() } else { Ok(()) }
}

/// Forgets what was left for later by a pass that failed.
pub(in crate::ops) fn forget() {
    LATER.take();
}
