//! The bundled font.

/// The family name by which the bundled font is registered.
pub(crate) const FAMILY: &str = "Harness Sans";

/// The regular letters.
pub(crate) static REGULAR: &[u8] = include_bytes!("../../assets/HarnessSans-Regular.ttf");
/// The bold letters.
pub(super) static BOLD: &[u8] = include_bytes!("../../assets/HarnessSans-Bold.ttf");
