//! Pictures from strangers: heads that claim too much, files that end early, kinds that are rarely met, and folders full of them.
//! Each is decoded, or refused with a reason and within bounded memory; none panics.

#![allow(clippy::unwrap_used)]

mod endings;
mod files;
mod folders;
mod heads;
mod memory;
