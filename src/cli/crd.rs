//! `paramsync crd`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::api::{crds, reference};

/// Flags of `paramsync crd`.
#[derive(Args)]
pub struct CrdArgs {
    /// Write one file a kind to this folder instead of printing.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print the reference for readers, as Markdown, instead.
    #[arg(long, conflicts_with = "out")]
    reference: bool,
}

impl CrdArgs {
    pub(super) fn execute(self) -> anyhow::Result<()> {
        if self.reference {
            print!("{}", reference::markdown(&crds::all()));
            return Ok(());
        }
        if let Some(folder) = self.out {
            return crds::write(&folder).with_context(|| format!("{} cannot be written", folder.display()));
        }
        for crd in crds::all() {
            print!("---\n{}", crds::to_yaml(&crd)?);
        }
        Ok(())
    }
}
