//! Tests untrusted pictures: headers that claim too much, files that end early, rare kinds, and folders full of them.
//! Each is decoded, or refused with a reason and within bounded memory. None panics.

#![allow(clippy::unwrap_used)]

mod endings;
mod files;
mod folders;
mod heads;
mod memory;
