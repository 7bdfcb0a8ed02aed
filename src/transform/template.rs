//! Templates: minijinja over the keys of the Secret, strict and bounded.
//!
//! A key that is an identifier is there under its name (`{{ DB_PASSWORD }}`), every key in `keys`
//! (`{{ keys["tls.crt"] }}`), and in base64 in `base64`, for values that are no text (`{{ base64["store.jks"] }}`).
//! `keys` and `base64` always mean these two. Filters beside minijinja's own: `b64encode`, `b64decode`, `tojson`
//! (which is a quoted string for JSON and YAML). There is no way to other templates, to files, or to `namespace`:
//! that could hold itself and so keep values alive for ever.
//!
//! The engine's own copies of the values it works on are freed unwiped; the result is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};
use thiserror::Error;

use crate::names::SecretKey;
use crate::value::SecretValue;

use super::error::{Fault, Faults};
use super::limits::MAX_VALUE_BYTES;
use super::template_error::{FUEL, MAX_TEMPLATE_BYTES, MAX_TEMPLATES_BYTES, TemplateError, TemplateFault};
use super::wiped::Wiped;

/// What the engine needs of a stack for each byte of a template, at most: half of it was measured, for a run of `-`.
const STACK_PER_BYTE: usize = 1024;
/// What it needs beside.
const BASE_STACK: usize = 1024 * 1024;
/// How deep a list or mapping may be that `tojson` writes.
const MAX_JSON_DEPTH: usize = 32;
/// How many names that are not there a fault lists, and how long one may be.
const MAX_NAME_LENGTH: usize = 253;

/// Renders all templates over `data`, and adds a fault for each that cannot be.
///
/// The engine's parser, compiler and destructors recurse as deep as a template nests, and a run of 50,000 signs
/// overflows a usual stack, which ends the whole process. So they get a thread of their own, with a stack that the
/// longest template cannot fill.
pub(super) fn render(
    templates: &BTreeMap<SecretKey, String>,
    data: &Arc<Offered>,
    faults: &mut Faults,
) -> BTreeMap<SecretKey, SecretValue> {
    let Some(longest) = templates.values().map(String::len).max() else {
        return BTreeMap::new();
    };
    let stack = BASE_STACK + longest.min(MAX_TEMPLATE_BYTES) * STACK_PER_BYTE;
    let results = thread::scope(|scope| {
        let engine = thread::Builder::new().name("template".into()).stack_size(stack);
        let running = engine.spawn_scoped(scope, || render_all(templates, data)).ok()?;
        running.join().ok()
    });
    let mut rendered = BTreeMap::new();
    for (key, result) in results.unwrap_or_else(|| no_engine(templates)) {
        match result {
            Ok(value) => {
                rendered.insert(key.clone(), value);
            }
            Err(error) => faults.add(Fault::Template {
                key: key.clone(),
                error,
            }),
        }
    }
    rendered
}

type Results<'a> = Vec<(&'a SecretKey, Result<SecretValue, TemplateError>)>;

/// Where there was no thread to be had, or the engine panicked.
fn no_engine(templates: &BTreeMap<SecretKey, String>) -> Results<'_> {
    templates
        .keys()
        .map(|key| (key, Err(TemplateFault::Failed.nowhere())))
        .collect()
}

fn render_all<'a>(templates: &'a BTreeMap<SecretKey, String>, data: &Arc<Offered>) -> Results<'a> {
    let environment = environment();
    let root = Value::from_object(Root {
        data: data.clone(),
        keys: Value::from_object(View(data.clone(), Form::Text)),
        base64: Value::from_object(View(data.clone(), Form::Base64)),
    });
    let (mut free, mut read) = (MAX_VALUE_BYTES, 0);
    templates
        .iter()
        .map(|(key, source)| {
            read += source.len();
            if source.len() > MAX_TEMPLATE_BYTES || read > MAX_TEMPLATES_BYTES {
                return (key, Err(TemplateFault::TooLong.nowhere()));
            }
            let result = render_one(&environment, source, &root, data, free);
            free -= result.as_ref().map_or(0, SecretValue::len);
            (key, result)
        })
        .collect()
}

fn render_one(
    environment: &Environment<'_>,
    source: &str,
    root: &Value,
    data: &Offered,
    free: usize,
) -> Result<SecretValue, TemplateError> {
    let template = environment
        .template_from_str(source)
        .map_err(|error| TemplateError {
            fault: fault(&error),
            line: error.line(),
        })?;
    let mut out = Wiped::with_limit(free);
    match template.render_captured_to(root.clone(), &mut out) {
        Ok(_) => Ok(out.into_value()),
        Err(_) if out.overflowed() => Err(TemplateFault::TooLarge.nowhere()),
        Err(error) => Err(match fault(&error) {
            TemplateFault::Undefined { .. } => TemplateFault::Undefined {
                names: absent(environment, template.undeclared_variables(false), data),
            },
            other => other,
        }
        .nowhere()),
    }
}

/// Those of a template's names that nothing defines. They are the template's text, never a value's.
fn absent(
    environment: &Environment<'_>,
    names: impl IntoIterator<Item = String>,
    data: &Offered,
) -> Vec<String> {
    let known = |name: &str| {
        matches!(name, "keys" | "base64" | "loop")
            || data.0.contains_key(name)
            || environment.globals().any(|(global, _)| global == name)
    };
    let absent: BTreeSet<String> = names
        .into_iter()
        .filter(|name| name.len() <= MAX_NAME_LENGTH && !known(name))
        .collect();
    absent.into_iter().collect()
}

/// The kind alone: the engine's message and detail may quote values.
fn fault(error: &Error) -> TemplateFault {
    let not_text = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<NotText>);
    match error.kind() {
        _ if not_text => TemplateFault::NotText,
        ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => TemplateFault::Syntax,
        ErrorKind::UndefinedError => TemplateFault::Undefined { names: Vec::new() },
        ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod => TemplateFault::Unknown,
        ErrorKind::OutOfFuel => TemplateFault::OutOfFuel,
        _ => TemplateFault::Failed,
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(
        SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .build()
            .unwrap_or_default(),
    );
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.remove_global("namespace");
    environment.remove_global("debug");
    environment.add_filter("b64encode", |text: &str| STANDARD.encode(text));
    environment.add_filter("b64decode", b64decode);
    environment.add_filter("tojson", tojson);
    environment
}

/// The values, as templates see them. The engine's form of one is made when it is first used, and then shared.
pub(super) struct Offered(BTreeMap<SecretKey, Offer>);

struct Offer {
    value: SecretValue,
    text: OnceLock<Value>,
    base64: OnceLock<Value>,
}

impl Offered {
    pub(super) fn new(data: BTreeMap<SecretKey, SecretValue>) -> Arc<Self> {
        let offer = |value| Offer {
            value,
            text: OnceLock::new(),
            base64: OnceLock::new(),
        };
        Arc::new(Self(
            data.into_iter().map(|(key, value)| (key, offer(value))).collect(),
        ))
    }

    pub(super) fn contains(&self, key: &SecretKey) -> bool {
        self.0.contains_key(key)
    }

    /// The values back.
    pub(super) fn into_data(self: Arc<Self>) -> BTreeMap<SecretKey, SecretValue> {
        match Arc::try_unwrap(self) {
            Ok(Self(offers)) => offers
                .into_iter()
                .map(|(key, offer)| (key, offer.value))
                .collect(),
            Err(shared) => shared
                .0
                .iter()
                .map(|(key, offer)| (key.clone(), offer.value.clone()))
                .collect(),
        }
    }

    fn get(&self, key: &str, form: Form) -> Option<Value> {
        let offer = self.0.get(key)?;
        let made = match form {
            Form::Text => offer
                .text
                .get_or_init(|| match std::str::from_utf8(offer.value.expose()) {
                    Ok(text) => Value::from(text),
                    Err(_) => Value::from(not_text()),
                }),
            Form::Base64 => offer
                .base64
                .get_or_init(|| Value::from(STANDARD.encode(offer.value.expose()))),
        };
        Some(made.clone())
    }
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    Base64,
}

struct Root {
    data: Arc<Offered>,
    keys: Value,
    base64: Value,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "keys" => Some(self.keys.clone()),
            "base64" => Some(self.base64.clone()),
            name => self.data.get(name, Form::Text),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

struct View(Arc<Offered>, Form);

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?, self.1)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.0.keys().map(|key| Value::from(key.as_str())).collect())
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root")
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

#[derive(Debug, Error)]
#[error("no UTF-8 text")]
struct NotText;

fn not_text() -> Error {
    Error::new(ErrorKind::InvalidOperation, "no UTF-8 text").with_source(NotText)
}

fn failed(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

fn b64decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| failed("no base64"))?;
    String::from_utf8(bytes).map_err(|_| not_text())
}

/// minijinja's own would escape for HTML, and is behind a feature.
fn tojson(state: &State, value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write_json(state, value, 0, &mut out)?;
    Ok(out)
}

fn write_json(state: &State, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
    if depth > MAX_JSON_DEPTH || out.len() > MAX_VALUE_BYTES {
        return Err(failed("too deep or too large"));
    }
    state.consume_fuel(1)?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (at, item) in value.try_iter()?.enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_json(state, &item, depth + 1, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (at, name) in value.try_iter()?.enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&scalar(
                    &name.as_str().ok_or_else(|| failed("a name that is no text"))?,
                )?);
                out.push(':');
                write_json(state, &value.get_item(&name)?, depth + 1, out)?;
            }
            out.push('}');
        }
        ValueKind::Invalid => return Err(not_text()),
        ValueKind::Undefined => return Err(ErrorKind::UndefinedError.into()),
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::String => {
            out.push_str(&scalar(value)?);
        }
        _ => return Err(failed("no JSON form")),
    }
    Ok(())
}

fn scalar(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| failed("no JSON form"))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
