//! Reads study specs, merges their layers and checks them.

pub mod decode;
pub mod diagnosis;
pub mod layers;
pub mod locate;
pub mod merged;
mod overrides;
pub mod path;
pub mod source;

#[cfg(test)]
mod tests;
