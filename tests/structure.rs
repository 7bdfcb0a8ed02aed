//! The house stands: no circle between files, and no arrow from a lower room to a higher one.
//!
//! An arrow goes from a file to each file whose items it names, by `use` or by a path in the code. Three things are
//! decided here:
//! - A `mod.rs` is its room's door. What it re-exports from its own room counts as no arrow of its own, and who takes
//!   such an item, from within the room or from outside, has an arrow to the file in which the item is written.
//! - What a `mod.rs` writes itself counts like any file's: if a child takes an item that its parent's `mod.rs` writes,
//!   and that `mod.rs` uses the child, the two are a circle.
//! - A module's name alone is no arrow: `use crate::schedule;` counts by what is named through it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
// A test ends where the source cannot be read.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{files, folder, product_code, read};

/// The rooms from the ground up; those on one line stand on one floor. A room's files may use rooms below it and rooms
/// of its floor, as long as that makes no circle.
const FLOORS: &[&[&str]] = &[
    &["error"],
    &["clock"],
    &["write"],
    &["lease"],
    &["value"],
    &["names"],
    &["api"],
    &["record", "calendar", "schedule"],
    &["metrics"],
    &["watch"],
    &["resolve"],
    &["decide"],
    &["source"],
    &["transform"],
    &["apply"],
    &["report"],
    &["control"],
    &["admin"],
    &["app"],
    &["cli"],
];

/// What is known to be wrong, exactly. A line goes when its fault does, and none is added.
const OPEN: &[&str] = &[];

/// Files by module path, as `crate::watch::streams`.
type Files = BTreeMap<String, Text>;

/// What a file says that concerns others.
#[derive(Default)]
struct Text {
    name: String,
    imports: Vec<Import>,
    /// Paths in the code, and names of modules before `::`.
    paths: Vec<Vec<String>>,
}

/// One name that a `use` brings.
struct Import {
    path: Vec<String>,
    /// What it is called here; `*` for all that is there.
    called: String,
    public: bool,
}

fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    format!("crate::{}", path.replace('/', "::"))
}

fn text_of(name: &str, text: &str) -> Text {
    let code: Vec<_> = product_code(text).into_iter().map(|(_, line)| line).collect();
    let mut said = Text {
        name: name.to_owned(),
        ..Text::default()
    };
    let mut lines = code.into_iter();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        let public = start.starts_with("pub");
        let rest = match start.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or("", |(_, rest)| rest),
            Some(rest) => rest.trim_start(),
            None => start,
        };
        let Some(tree) = rest.strip_prefix("use ") else {
            said.paths.extend(paths(line));
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.trim_end().ends_with(';') {
            tree.push_str(lines.next().unwrap_or(";").trim());
        }
        unfold(
            &[],
            tree.trim_end().trim_end_matches(';'),
            public,
            &mut said.imports,
        );
    }
    said
}

/// The names that one tree of a `use` brings.
fn unfold(before: &[String], tree: &str, public: bool, found: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some((path, list)) = tree.split_once('{') {
        let path = [before, &segments(path)].concat();
        let list = list.strip_suffix('}').unwrap_or(list);
        let (mut depth, mut begin) = (0, 0);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    unfold(&path, &list[begin..at], public, found);
                    begin = at + 1;
                }
                _ => {}
            }
        }
        unfold(&path, &list[begin..], public, found);
    } else if !tree.is_empty() {
        let (path, called) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path = [before, &segments(path)].concat();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let last = path.last().cloned().unwrap_or_default();
        let called = if called.is_empty() {
            last
        } else {
            called.trim().to_owned()
        };
        found.push(Import { path, called, public });
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split("::")
        .map(|segment| segment.trim().to_owned())
        .filter(|segment| !segment.is_empty())
        .collect()
}

/// The paths of at least two segments in a line.
fn paths(line: &str) -> Vec<Vec<String>> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':')
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| word.contains("::"))
        .map(segments)
        .filter(|path| path.len() > 1)
        .collect()
}

/// The file that writes what `path` means in `module`; none for what is no file of ours, and for a module's name alone.
fn writer(files: &Files, module: &str, path: &[String], depth: usize) -> Option<String> {
    let (first, mut rest) = path.split_first()?;
    let is_module = |path: &str| path == "crate" || files.contains_key(path);
    let mut place = match first.as_str() {
        "crate" => "crate".to_owned(),
        "self" => module.to_owned(),
        "super" => module.rsplit_once("::")?.0.to_owned(),
        child if is_module(&format!("{module}::{child}")) => format!("{module}::{child}"),
        name => {
            // A name that was brought here: a module's may be followed by more.
            let import = files
                .get(module)?
                .imports
                .iter()
                .find(|import| import.called == name)?;
            if depth == 0 || import.path.first() == Some(first) {
                return None;
            }
            let path = [&import.path, rest].concat();
            return writer(files, module, &path, depth - 1);
        }
    };
    while let Some((next, after)) = rest.split_first() {
        let below = match next.as_str() {
            "super" => place.rsplit_once("::")?.0.to_owned(),
            next => format!("{place}::{next}"),
        };
        if !is_module(&below) {
            break;
        }
        (place, rest) = (below, after);
    }
    let item = rest.first()?;
    let text = files.get(&place)?;
    // What is brought there is written elsewhere. A child sees its parent's private imports, too.
    for import in &text.imports {
        let named = import.called == *item;
        if depth > 0 && named && import.path != path {
            return writer(files, &place, &import.path, depth - 1);
        }
    }
    Some(place)
}

/// Every arrow, from file to file.
fn arrows(files: &Files) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, text) in files {
        let own = format!("{module}::");
        let named = text.imports.iter().map(|import| (&import.path, import.public));
        let named = named.chain(text.paths.iter().map(|path| (path, false)));
        let to = arrows.entry(&text.name).or_default();
        for (path, public) in named {
            let Some(target) = writer(files, module, path, 8) else {
                continue;
            };
            let is_door = public && target.starts_with(&own);
            if target != *module && !is_door {
                to.insert(&files[&target].name);
            }
        }
    }
    arrows
}

/// All that can be reached from a file.
fn reached<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = arrows.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = next.pop() {
        if seen.insert(file) {
            next.extend(arrows.get(file).into_iter().flatten().copied());
        }
    }
    seen
}

/// The files of each circle.
fn circles<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<BTreeSet<&'a str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|file| (*file, reached(arrows, file))).collect();
    let round = |file: &&&'a str| reach[**file].contains(**file);
    let circle = |file: &&'a str| {
        let others = reach[*file].iter().filter(|other| reach[**other].contains(*file));
        others.copied().collect()
    };
    arrows.keys().filter(round).map(circle).collect()
}

fn floor(file: &str) -> usize {
    let room = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    let at = FLOORS.iter().position(|floor| floor.contains(&room));
    at.unwrap_or_else(|| panic!("src/{file} is in no room; give it a floor"))
}

/// Every fault, in words.
fn faults(texts: &[(String, String)]) -> BTreeSet<String> {
    let files: Files = texts
        .iter()
        .map(|(name, text)| (module_of(name), text_of(name, text)))
        .collect();
    let arrows = arrows(&files);
    let mut faults: BTreeSet<String> = circles(&arrows)
        .into_iter()
        .map(|circle| format!("circle: {}", circle.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
    for (from, targets) in &arrows {
        for to in targets {
            if floor(to) > floor(from) {
                faults.insert(format!("up: {from} -> {to}"));
            }
        }
    }
    faults
}

fn product() -> Vec<(String, String)> {
    let folder = folder();
    let mut found = Vec::new();
    files(&folder, &mut found);
    let mut texts = Vec::new();
    for path in found {
        let name = path
            .strip_prefix(&folder)
            .expect("below src")
            .to_string_lossy()
            .into_owned();
        // These two stand before the house: they name the rooms, and start the command line.
        if name != "lib.rs" && name != "main.rs" {
            texts.push((name, read(&path)));
        }
    }
    texts.sort();
    texts
}

#[test]
fn no_circle_of_files_and_no_arrow_upwards() {
    let texts = product();
    let found = faults(&texts);
    let known: BTreeSet<String> = OPEN.iter().map(|line| (*line).to_owned()).collect();
    let new: Vec<_> = found.difference(&known).cloned().collect();
    let mended: Vec<_> = known.difference(&found).cloned().collect();
    assert!(
        new.is_empty() && mended.is_empty(),
        "new faults of structure:\n{}\nmended, to be taken out of OPEN:\n{}",
        new.join("\n"),
        mended.join("\n")
    );
}

/// The control: the search sees the arrows that the product has.
#[test]
fn the_search_sees_what_is_there() {
    let texts = product();
    let files: Files = texts
        .iter()
        .map(|(name, text)| (module_of(name), text_of(name, text)))
        .collect();
    let arrows = arrows(&files);
    for (from, to) in [
        ("decide/permit.rs", "decide/view.rs"),
        ("decide/view.rs", "record/upstream.rs"),
        ("apply/mod.rs", "decide/permit.rs"),
        ("watch/calendars/read.rs", "record/freeze.rs"),
        ("transform/mod.rs", "transform/gather.rs"),
        ("cli/run.rs", "app.rs"),
    ] {
        assert!(arrows[from].contains(to), "{from} -> {to} in {:?}", arrows[from]);
    }
    let all: usize = arrows.values().map(BTreeSet::len).sum();
    assert!(all > texts.len(), "{all} arrows in {} files", texts.len());
}

fn found_in(texts: &[(&str, &str)]) -> Vec<String> {
    let texts: Vec<_> = texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    faults(&texts).into_iter().collect()
}

/// The control: a circle and an arrow upwards are found, however they are written.
#[test]
fn circles_and_arrows_upwards_are_found() {
    let door = (
        "api/mod.rs",
        "mod a;\nmod b;\npub use a::A;\npub use b::{B, C as D};\n",
    );
    let circle = ["circle: api/a.rs, api/b.rs"];
    let b = ("api/b.rs", "use super::a::A;\npub struct B(A);\npub struct C;");
    for a in [
        "use super::b::B;",
        "use super::{\n    B,\n};",
        "use crate::api::D;",
        "use crate::{api::{self, D}, names};",
        "use crate::api;\nfn f(_: api::B) {}",
        "use crate::api as words;\nfn f() -> Option<words::B> {\n    None\n}",
        "fn f(_: super::b::C) {}",
        "fn f(_: &crate::api::B) {}",
    ] {
        assert_eq!(found_in(&[door, ("api/a.rs", a), b]), circle, "{a}");
    }
    let names = ("names/mod.rs", "use crate::api::B;\npub struct N(B);");
    assert_eq!(
        found_in(&[door, ("api/a.rs", ""), b, names]),
        ["up: names/mod.rs -> api/b.rs"]
    );
    let three = [
        ("names/mod.rs", "mod x;\nmod y;\nmod z;\n"),
        ("names/x.rs", "use super::y::Y;"),
        ("names/y.rs", "use super::z::Z;"),
        ("names/z.rs", "use super::x::X;"),
    ];
    assert_eq!(found_in(&three), ["circle: names/x.rs, names/y.rs, names/z.rs"]);
    let room = [
        ("api/mod.rs", "mod a;\npub struct Own;\nfn f() { a::g() }"),
        ("api/a.rs", "use super::Own;\npub fn g() {}"),
    ];
    assert_eq!(found_in(&room), ["circle: api/a.rs, api/mod.rs"]);
}

/// The control: what is no circle is none.
#[test]
fn doors_tests_and_comments_are_no_arrows() {
    let door = (
        "api/mod.rs",
        "mod a;\nmod b;\npub use a::A;\npub use b::B;\npub struct Own;",
    );
    let a = ("api/a.rs", "use super::{B, Own};\npub struct A(B);");
    for b in [
        "pub struct B;",
        "// super::a::A\npub struct B;",
        "pub struct B;\n#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}",
        "use super::Own;\npub struct B(Own);",
        "use std::fmt;\nuse serde::a::A;\npub struct B(fmt::A);",
    ] {
        assert_eq!(found_in(&[door, a, ("api/b.rs", b)]), [""; 0], "{b}");
    }
}
