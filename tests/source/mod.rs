//! The product's source as text, for the tests that look at how it is built.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the product's source.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A file's text.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below `path` that are no tests.
pub fn files(path: &Path, found: &mut Vec<PathBuf>) {
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if name == "tests" || name.ends_with("_tests") {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of the source") {
            files(&entry.expect("an entry").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// The code without comments and without what is compiled for tests only, each line with its number.
pub fn product_code(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if code.starts_with("#[cfg(test)]") {
            let indent = &line[..line.len() - code.len()];
            let end = format!("{indent}}}");
            for (_, skipped) in lines.by_ref() {
                // rustfmt puts an item's end at its own indent, and a declaration's on its one line.
                if skipped == end || (skipped.ends_with(';') && !skipped[indent.len()..].starts_with(' ')) {
                    break;
                }
            }
            continue;
        }
        kept.push((number + 1, line.split(" // ").next().unwrap_or(line)));
    }
    kept
}
