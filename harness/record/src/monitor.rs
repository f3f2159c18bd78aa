//! How long work tells the outside what it is doing, and hears that it should stop.

/// Watches work. Bars nest: `begin` opens one inside the one that is open, `end` closes the innermost.
pub trait Monitor: Sync {
    /// Opens a bar: what is counted (`decoding pictures`, `epoch`) and how many there will be.
    fn begin(&self, what: &str, total: u64);
    /// Moves the innermost bar on by `by`.
    fn advance(&self, by: u64);
    /// Text beside the innermost bar: `loss 0.512 · Dice 0.771`.
    fn note(&self, text: &str);
    /// Closes the innermost bar.
    fn end(&self);
    /// A line for the log: it stays when the bars are gone.
    fn log(&self, line: &str);
    /// Whether the user asked to stop. Work that sees `true` leaves as if killed: it returns an error and cleans nothing up.
    fn stopped(&self) -> bool;
}

/// Shows nothing and never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        false
    }
}
