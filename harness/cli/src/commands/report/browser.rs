//! The user's browser.

use crate::failure::{Failure, Outcome};
use std::path::Path;

/// Opens a page in the user's browser.
pub(super) fn open(page: &Path) -> Outcome {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let status = std::process::Command::new(program).arg(page).status();
    match status {
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        _ => {
            Err(Failure::Run(format!("cannot open a browser with `{program}`; open {} by hand", page.display()).into()))
        }
    }
}
