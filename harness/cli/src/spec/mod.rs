//! Study specs: read, layered, checked.

pub(crate) mod decode;
pub(crate) mod diagnosis;
pub(crate) mod layers;
pub(crate) mod locate;
pub(crate) mod merged;
pub(crate) mod overrides;
pub(crate) mod path;
pub(crate) mod source;

#[cfg(test)]
mod tests;
