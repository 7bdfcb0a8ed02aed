//! `spec.sources`, parsed.

use super::refusal::Refusal;
use super::types::{Decode, Extract, KeyNaming, KeyStyle, NamedSource, OnMissing, PathSource, Source};
use crate::api::{self, SourceSpec};
use crate::names::{
    JsonPointer, NameFilter, ParameterName, ParameterPath, ParameterRef, PathRead, SecretKey, Selector,
};

/// Parses all sources. The API server has checked most of this already; an object stored under a looser schema may
/// still say anything.
pub(super) fn parse(specs: &[SourceSpec]) -> Result<Vec<Source>, Refusal> {
    if specs.is_empty() {
        return Err(Refusal::field(
            "sources",
            "is empty; give at least one path or name",
        ));
    }
    specs
        .iter()
        .enumerate()
        .map(|(index, spec)| source(&format!("sources[{index}]"), spec))
        .collect()
}

fn source(at: &str, spec: &SourceSpec) -> Result<Source, Refusal> {
    match (&spec.path, &spec.name) {
        (Some(path), None) => path_source(at, spec, path).map(Source::Path),
        (None, Some(name)) => named_source(at, spec, name).map(Source::Named),
        _ => Err(Refusal::field(at, "give exactly one of path and name")),
    }
}

fn path_source(at: &str, spec: &SourceSpec, path: &str) -> Result<PathSource, Refusal> {
    let misplaced = [
        ("key", spec.key.is_some()),
        ("version", spec.version.is_some()),
        ("label", spec.label.is_some()),
        ("optional", spec.optional.is_some()),
        ("decode", spec.decode.is_some()),
        ("expand", spec.expand.is_some()),
        ("pointer", spec.pointer.is_some()),
    ];
    refuse_misplaced(at, "path", "name", &misplaced)?;
    let path = ParameterPath::parse(path)
        .map_err(|error| Refusal::field(format!("{at}.path"), error.to_string()))?;
    let globs = |globs: &Option<Vec<String>>| globs.clone().unwrap_or_default();
    let filter = NameFilter::new(globs(&spec.include), globs(&spec.exclude))
        .map_err(|error| Refusal::field(format!("{at}.include or exclude"), error.to_string()))?;
    let keys = spec.keys.clone().unwrap_or_default();
    Ok(PathSource {
        read: PathRead {
            path,
            recursive: spec.recursive.unwrap_or_default(),
            filter,
        },
        keys: KeyNaming {
            style: match keys.style.unwrap_or_default() {
                api::KeyStyle::Keep => KeyStyle::Keep,
                api::KeyStyle::EnvVar => KeyStyle::EnvVar,
                api::KeyStyle::Lower => KeyStyle::Lower,
            },
            prefix: keys.prefix.unwrap_or_default(),
            separator: keys.separator.unwrap_or_else(|| "_".to_owned()),
        },
        on_missing: match spec.on_missing.unwrap_or_default() {
            api::OnMissing::Prune => OnMissing::Prune,
            api::OnMissing::Hold => OnMissing::Hold,
        },
    })
}

fn named_source(at: &str, spec: &SourceSpec, name: &str) -> Result<NamedSource, Refusal> {
    let misplaced = [
        ("recursive", spec.recursive.is_some()),
        ("include", spec.include.is_some()),
        ("exclude", spec.exclude.is_some()),
        ("keys", spec.keys.is_some()),
        ("onMissing", spec.on_missing.is_some()),
    ];
    refuse_misplaced(at, "name", "path", &misplaced)?;
    let name = ParameterName::parse(name)
        .map_err(|error| Refusal::field(format!("{at}.name"), error.to_string()))?;
    let selector = match (spec.version, &spec.label) {
        (None, None) => Selector::Latest,
        (Some(version), None) if version > 0 => Selector::Version(version),
        (Some(version), None) => {
            return Err(Refusal::field(
                format!("{at}.version"),
                format!("{version} is none; versions begin at 1"),
            ));
        }
        (None, Some(label)) => Selector::Label(label.as_str().into()),
        (Some(_), Some(_)) => return Err(Refusal::field(at, "give version or label, not both")),
    };
    Ok(NamedSource {
        extract: extract(at, spec, &name)?,
        reference: ParameterRef { name, selector },
        optional: spec.optional.unwrap_or_default(),
        decode: match spec.decode.unwrap_or_default() {
            api::Decode::None => Decode::None,
            api::Decode::Base64 => Decode::Base64,
        },
    })
}

fn extract(at: &str, spec: &SourceSpec, name: &ParameterName) -> Result<Extract, Refusal> {
    let key = || {
        let text = spec.key.as_deref().unwrap_or_else(|| name.last_segment());
        SecretKey::parse(text).map_err(|error| Refusal::field(format!("{at}.key"), error.to_string()))
    };
    match (spec.expand, &spec.pointer) {
        (Some(_), Some(_)) => Err(Refusal::field(at, "give expand or pointer, not both")),
        (Some(api::Expand::Json), None) if spec.key.is_some() => Err(Refusal::field(
            format!("{at}.key"),
            "expand names the keys itself; take key away",
        )),
        (Some(api::Expand::Json), None) => Ok(Extract::Members),
        (None, Some(text)) => {
            let none = || format!("{text:?} is no RFC 6901 pointer; write it as /member");
            let pointer =
                JsonPointer::parse(text).ok_or_else(|| Refusal::field(format!("{at}.pointer"), none()))?;
            Ok(Extract::Pointer { pointer, key: key()? })
        }
        (None, None) => Ok(Extract::Whole(key()?)),
    }
}

fn refuse_misplaced(at: &str, has: &str, belongs: &str, fields: &[(&str, bool)]) -> Result<(), Refusal> {
    match fields.iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Refusal::field(
            format!("{at}.{field}"),
            format!("goes with {belongs}, and this source has {has}"),
        )),
        None => Ok(()),
    }
}
