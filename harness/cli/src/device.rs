//! The device of a command.

use crate::failure::{Failure, Outcome};
use harness_learn::device::{self, Chosen, DeviceChoice};

/// Opens the device that `choice` names. Says on stderr why it is the CPU, if CUDA was tried.
pub(crate) fn open(choice: DeviceChoice) -> Outcome<Chosen> {
    let chosen = device::select(choice).map_err(|e| Failure::Usage(e.to_string()))?;
    if let Some(reason) = &chosen.instead {
        // If stderr is closed, there is nobody to tell.
        let line = format!("note: computing on the CPU: {reason}\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
    }
    Ok(chosen)
}
