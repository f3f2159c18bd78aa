//! Renders reports from data that are written by hand, and reads them as their readers do.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod charts;
mod checklist;
mod fixture;
mod report;
mod studies;
mod tracing;
