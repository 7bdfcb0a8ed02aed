//! The command line.
//!
//! It ends with 0; with 1 where something failed; and with 2 where what was given is at fault, be it a flag or a
//! calendar: then the message names it.

mod calendar;
mod crd;
mod run;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::calendar::{CalendarError, zone};

/// What kubectl looks for, to call it as `kubectl paramsync`.
const PLUGIN: &str = "kubectl-paramsync";

/// Keeps Kubernetes Secrets equal to AWS Systems Manager Parameter Store.
#[derive(Parser)]
#[command(
    name = "paramsync",
    version = version(),
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator.
    Run(run::RunArgs),
    /// Print the CustomResourceDefinitions, or write them to a folder.
    Crd(crd::CrdArgs),
    /// Tell what a calendar in a file says.
    Calendar(calendar::CalendarArgs),
}

impl Cli {
    /// Reads the program's arguments, of which the first is what it was called as. What cannot be read, and a call for
    /// help, end the program.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let mut command = Self::command();
        if arguments.first().is_some_and(|name| is_plugin(name)) {
            command = command.bin_name("kubectl paramsync");
        }
        let matches = command.get_matches_from(arguments);
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Does what was asked.
    pub fn execute(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(args) => args.execute(),
            Command::Crd(args) => args.execute(),
            Command::Calendar(args) => args.execute(),
        }
    }
}

/// How the program ends after an error: 2 where a calendar is at fault.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<CalendarError>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// Answers about calendars depend on the tz database too.
fn version() -> String {
    format!(
        "{} (tzdb {})",
        env!("CARGO_PKG_VERSION"),
        zone::database_version()
    )
}

/// Whether this is the name of the plugin, with whatever its platform puts behind it.
fn is_plugin(name: &OsStr) -> bool {
    Path::new(name).file_stem().is_some_and(|stem| stem == PLUGIN)
}
