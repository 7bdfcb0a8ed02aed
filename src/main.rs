//! The `paramsync` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use paramsync::cli::{self, Cli};

/// Gives memory back after a relist; the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match Cli::read(std::env::args_os()).execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paramsync: {error:#}");
            cli::exit_code(&error)
        }
    }
}
