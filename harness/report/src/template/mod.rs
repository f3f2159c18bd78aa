//! Templates: the text of a report, with functions for everything that is computed.
//!
//! In a Markdown template every value is escaped, unless a function of this module returns it as Markdown. So a title
//! with markup stays text, whoever wrote the study.

mod answer;
mod arguments;
mod checklist;
pub(crate) mod engine;
pub(crate) mod facts;
mod figures;
mod files;
mod functions;
mod operands;
mod registration;
pub(crate) mod render;
mod statements;
mod training;
