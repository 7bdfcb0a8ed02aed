//! `paramsync calendar`: what a calendar says, told from its file alone, without a cluster.
//!
//! In: a manifest or iCalendar text, and times. Out: state, intervals or warnings, as text or JSON; or a
//! [`CalendarError`](crate::calendar::CalendarError) that names the field, which ends the program with 2. The answers
//! come from the same code that the operator asks.

mod answer;
mod forms;
mod manifest;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod time;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;

use crate::calendar::CalendarError;
use crate::clock::{Clock, SystemClock};

/// Flags of `paramsync calendar`.
#[derive(Args)]
pub struct CalendarArgs {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// Tell the state at a time, and when it changes next.
    State(StateArgs),
    /// Tell the state all through a window of time.
    Eval(EvalArgs),
    /// Warn of what is allowed and yet hardly meant, one warning a line. Warnings alone do not fail; see --strict.
    Lint(LintArgs),
}

/// The calendar, and how to answer.
#[derive(Args)]
struct Common {
    /// A ChangeCalendar or ClusterChangeCalendar as YAML or JSON, or an iCalendar document (.ics); - is standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// How to answer.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Args)]
struct StateArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    moment: Moment,
}

#[derive(Args)]
struct EvalArgs {
    #[command(flatten)]
    common: Common,
    /// Where the window begins: 2026-12-24T18:00:00Z, with an offset in place of Z, or a date, which is its midnight in
    /// UTC.
    #[arg(long, value_name = "TIME", value_parser = time::instant)]
    from: Timestamp,
    /// Where the window ends, exclusive; written as --from is.
    #[arg(long, value_name = "TIME", value_parser = time::instant)]
    to: Timestamp,
}

#[derive(Args)]
struct LintArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    moment: Moment,
    /// End with 1 where there are warnings.
    #[arg(long)]
    strict: bool,
}

#[derive(Args)]
struct Moment {
    /// When: 2026-12-24T18:00:00Z, with an offset in place of Z, or a date, which is its midnight in UTC. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time::instant)]
    at: Option<Timestamp>,
}

impl Moment {
    fn instant(&self) -> Timestamp {
        self.at.unwrap_or_else(|| {
            let now = SystemClock::new().now();
            Timestamp::from_second(now.as_second()).unwrap_or(now)
        })
    }
}

impl CalendarArgs {
    pub(super) fn execute(&self) -> anyhow::Result<()> {
        match &self.question {
            Question::State(args) => args.execute(),
            Question::Eval(args) => args.execute(),
            Question::Lint(args) => args.execute(),
        }
    }
}

impl StateArgs {
    fn execute(&self) -> anyhow::Result<()> {
        let (calendar, _) = source::read(&self.common.file)?;
        let answer = answer::state(&calendar, self.moment.instant())?;
        self.common.tell(&answer, answer::StateAnswer::text)
    }
}

impl EvalArgs {
    fn execute(&self) -> anyhow::Result<()> {
        if self.to <= self.from {
            let advice = format!("is not after --from, {}; the window ends before it", self.from);
            return Err(CalendarError::invalid("--to", &self.to.to_string(), advice).into());
        }
        let (calendar, _) = source::read(&self.common.file)?;
        let answer = answer::window(&calendar, self.from, self.to).map_err(CalendarError::from)?;
        self.common.tell(&answer, answer::WindowAnswer::text)
    }
}

impl LintArgs {
    fn execute(&self) -> anyhow::Result<()> {
        let (calendar, mut warnings) = source::read(&self.common.file)?;
        let odd = calendar.lint(self.moment.instant());
        warnings.extend(odd.map_err(CalendarError::from)?);
        let count = warnings.len();
        self.common
            .tell(&answer::LintAnswer::from(warnings), answer::LintAnswer::text)?;
        ensure!(
            count == 0 || !self.strict,
            "--strict: there are warnings ({count})"
        );
        Ok(())
    }
}

impl Common {
    fn tell<A: Serialize>(&self, answer: &A, text: impl FnOnce(&A) -> String) -> anyhow::Result<()> {
        let told = match self.output {
            Output::Text => text(answer),
            Output::Json => serde_json::to_string(answer).context("the answer has no JSON form")? + "\n",
        };
        match io::stdout().write_all(told.as_bytes()) {
            // Whoever listened, such as `head`, has heard enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told.context("the answer cannot be written"),
        }
    }
}
