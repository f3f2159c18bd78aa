//! The interface through which long work reports its progress and learns that it should stop.

/// Observes work. Bars nest: `begin` opens a bar inside the open one, `end` closes the innermost.
pub trait Monitor: Sync {
    /// Opens a bar, given what is counted (`decoding pictures`, `epoch`) and the total.
    fn begin(&self, what: &str, total: u64);
    /// Advances the innermost bar by `by`.
    fn advance(&self, by: u64);
    /// Sets the text beside the innermost bar: `loss 0.512 · Dice 0.771`.
    fn note(&self, text: &str);
    /// Closes the innermost bar.
    fn end(&self);
    /// Writes a line to the log. It stays when the bars are gone.
    fn log(&self, line: &str);
    /// Returns true if the user asked to stop. The work then stops as if killed: it returns an error and cleans nothing up.
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
