//! The protocol of the record, searched: everything that can happen in a small world, in every order.
//!
//! What is asked is the product itself: `record` (what status states, written and read back; the seals), `decide` and
//! `permit`, the gate and the spec as `resolve` makes them, `transform` for what a write applies, and `control::memory`
//! for what is remembered of writes. Around them is a world of one Secret `web`, fed from two parameters, p and q, by a
//! ParameterSync that a tenant deletes and makes anew, a calendar, an API server, and an operator that makes its passes in
//! the order of `control/syncs.rs`, dies at any moment, and whose requests may land late or have no answer. The tenant
//! edits, deletes and copies Secrets, seals and managedFields included; an administrator restores Secrets from a backup.
//! From every state the operator must come to rest by itself, too, open and closed. [`judge`] says what may never be.
//!
//! Each kind of move has a budget, so that a scenario is finite and searched whole, breadth first: what is printed of a
//! fault is a shortest story. The state is small and copied; what the product takes is made of it where it is asked, and
//! what was asked is remembered.
//!
//! [`rules`] takes each rule away, by what the world feeds in, and says what breaks then: a search that finds nothing
//! without a rule would not show that the rule holds.
//!
//! Taken from the product by hand, and not searched: the order of a pass, the conditions of status writes, what the quiet
//! after a write without an answer covers, how the source holds back answers that lag. Not modelled: scope All, several
//! calendars, stores and access, owner references, rival claims, keys that others hold, back-off, upgrades, two processes
//! that both make passes.
//!
//! One scenario or rule: `MODEL=crash cargo test --test model`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    clippy::large_types_passed_by_value,
    clippy::struct_excessive_bools,
    clippy::trivially_copy_pass_by_ref,
    reason = "a state is a handful of bits, and copied"
)]

mod cluster;
mod judge;
mod moves;
mod operator;
mod product;
mod rules;
mod scenarios;
mod search;
mod state;
mod writes;

use product::Product;
use rules::{Off, ROWS, SECOND};
use scenarios::{ALL, Config, scenario};
use search::search;

/// The product, and how it is searched.
pub struct World {
    config: Config,
    product: Product,
}

/// Whether this one is asked for, by its name.
fn is_asked(name: &str) -> bool {
    std::env::var("MODEL").map_or(true, |asked| name.contains(&asked))
}

#[test]
fn nothing_breaks_in_any_order_of_moves() {
    let mut states = 0;
    let mut broken = String::new();
    for name in ALL.into_iter().filter(|name| is_asked(name)) {
        let found = search(scenario(name), None);
        println!("{name}: {} states, {} moves deep", found.states, found.depth);
        states += found.states;
        if !found.broken.is_empty() {
            broken.extend([name, ":\n", &found.tell(), "\n"]);
        }
    }
    assert!(broken.is_empty(), "{broken}");
    let whole = std::env::var("MODEL").is_err();
    assert!(states >= 100_000 || !whole, "only {states} states");
}

#[test]
fn each_rule_is_missed() {
    for (off, name, invariant) in ROWS {
        let rule = format!("{off:?}");
        if !is_asked(&rule) {
            continue;
        }
        let config = Config {
            off: Off::of(off),
            ..scenario(name)
        };
        let found = search(config, Some(invariant));
        println!(
            "without {rule}, in {name} after {} states: {}",
            found.states,
            found.tell()
        );
        assert!(
            found.breaks(invariant),
            "without {rule}, {invariant} holds in {name}"
        );
    }
}

#[test]
fn a_second_line_of_defence_alone_is_not_missed() {
    for (off, name) in SECOND {
        let config = Config {
            off: Off::of(off),
            ..scenario(name)
        };
        let found = search(config, None);
        assert!(
            found.broken.is_empty(),
            "without {off:?}, in {name}:\n{}",
            found.tell()
        );
    }
}
