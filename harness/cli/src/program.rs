//! The program itself: its version, and the commit that it was built from.

use harness_record::run::Checkout;
use std::sync::LazyLock;

/// The checkout that the program was built from, as its build script found it.
pub(crate) fn checkout() -> Checkout {
    Checkout {
        commit: Some(env!("HARNESS_BUILT_COMMIT")).filter(|commit| !commit.is_empty()).map(str::to_owned),
        dirty: env!("HARNESS_BUILT_DIRTY").parse().ok(),
    }
}

/// The version with its commit: `0.1.0 (0a1b2c3, modified)`.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} ({})", env!("CARGO_PKG_VERSION"), checkout().in_words(7)));
    &VERSION
}
