//! Starts a child and waits to be killed: for the test that a killed parent leaves nothing behind. Its one argument is
//! the file that gets the child's process id and scratch folder.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use harness::{Child, Scratch};

fn main() -> anyhow::Result<()> {
    let out = std::env::args().nth(1).context("usage: parent FILE")?;
    let scratch = Scratch::new("orphan")?;
    let child = Child::start(
        Path::new("/bin/sleep"),
        &["600"],
        &[],
        &scratch.path().join("log"),
    )?;
    std::fs::write(
        format!("{out}.new"),
        format!("{} {}", child.pid(), scratch.path().display()),
    )?;
    std::fs::rename(format!("{out}.new"), out)?;
    std::thread::sleep(Duration::from_mins(1));
    Ok(())
}
