//! The command line.

mod crd;
mod run;

use clap::{Parser, Subcommand};

/// Keeps Kubernetes Secrets equal to AWS Systems Manager Parameter Store.
#[derive(Parser)]
#[command(
    name = "paramsync",
    version,
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
}

impl Cli {
    /// Does what was asked.
    pub fn execute(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(args) => args.execute(),
            Command::Crd(args) => args.execute(),
        }
    }
}
