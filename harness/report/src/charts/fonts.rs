//! The bundled font.

/// Family by which the bundled font is registered.
pub(crate) const FAMILY: &str = "Harness Sans";

/// Its letters.
pub(crate) static REGULAR: &[u8] = include_bytes!("../../assets/HarnessSans-Regular.ttf");
/// Its bold letters.
pub(super) static BOLD: &[u8] = include_bytes!("../../assets/HarnessSans-Bold.ttf");
