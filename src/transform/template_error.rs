//! What can be wrong with a template.

use thiserror::Error;

use super::listed::Listed;

/// What one template may do: each step costs one, and so do 64 bytes made, read or written. With it no template
/// runs for long, and none holds more than 2 MiB.
pub const FUEL: u64 = 32_768;
/// How long one template may be, in bytes. The compiler's work, which no fuel bounds, grows with the square of the
/// longest expression: one of 16 KiB takes up to a second.
pub const MAX_TEMPLATE_BYTES: usize = 16 * 1024;
/// How long all templates of a Secret together may be, in bytes.
pub const MAX_TEMPLATES_BYTES: usize = 64 * 1024;

/// What is wrong with a template. A fault of its text, which is the spec's, is told with its line. One that shows only
/// with the values is told without: a template with a line for each guess would else answer it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}{}", .line.map(|line| format!(" at line {line}")).unwrap_or_default())]
pub struct TemplateError {
    /// What.
    pub fault: TemplateFault,
    /// The line, from 1, where the text itself is at fault and the engine knows it.
    pub line: Option<usize>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateFault {
    /// It breaks the template language's grammar.
    #[error("is no valid template: syntax fault")]
    Syntax,
    /// It uses a name that no key has.
    #[error("uses what is not there{}", if .names.is_empty() { String::new() } else { format!(" ({} not defined)", Listed(.names)) })]
    Undefined {
        /// The names in the template's text that no key has; not all need be at fault.
        names: Vec<String>,
    },
    /// It uses a filter, test or function that there is not.
    #[error("uses a filter, test, function or method that there is not")]
    Unknown,
    /// It uses a value that is no UTF-8 text.
    #[error("uses a value that is no UTF-8 text, use base64[\"KEY\"] for it")]
    NotText,
    /// It does more than its fuel allows.
    #[error("does more work than the {FUEL} steps that it may: stopped")]
    OutOfFuel,
    /// It is too long itself.
    #[error(
        "is longer than the {MAX_TEMPLATE_BYTES} bytes that one may have, or all before it are than the \
         {MAX_TEMPLATES_BYTES} that they may have together: refused"
    )]
    TooLong,
    /// Its text is larger than a Secret may be.
    #[error("gives more text than fits into a Secret: stopped")]
    TooLarge,
    /// Anything else: a filter on a value that it does not take, say.
    #[error("does something that its values do not allow")]
    Failed,
}

impl TemplateFault {
    pub(super) fn nowhere(self) -> TemplateError {
        TemplateError {
            fault: self,
            line: None,
        }
    }
}
