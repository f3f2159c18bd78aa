//! Pages and files around the Markdown.

mod body;
pub mod contact;
pub(crate) mod data;
mod headings;
pub(crate) mod index;
pub(crate) mod latex;
pub(crate) mod runs;
pub(crate) mod site;
mod slots;
mod trace;
mod traced;
