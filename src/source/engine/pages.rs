//! A listing between its first and its last page. Pure.

use std::collections::BTreeSet;

use crate::source::call::{Answer, Call, Decryption, Fault, Found, PathKey};

/// The pages so far of one listing.
pub struct Pages {
    /// The path.
    pub key: PathKey,
    /// Whether values are asked for.
    pub decryption: Decryption,
    found: Vec<Found>,
    token: Option<String>,
    tokens: BTreeSet<String>,
    calls: usize,
}

/// What a page means.
pub enum Turn {
    /// There is more: ask for [`Pages::call`] again.
    More(Pages),
    /// All of it, and how many calls it took.
    Complete(Vec<Found>, usize),
    /// The listing goes round in circles.
    Broken(Fault),
}

impl Pages {
    /// A listing that has not begun.
    pub fn new(key: PathKey, decryption: Decryption) -> Self {
        Self {
            key,
            decryption,
            found: vec![],
            token: None,
            tokens: BTreeSet::new(),
            calls: 0,
        }
    }

    /// The request for the next page.
    pub fn call(&self) -> Call {
        Call::Page {
            key: self.key.clone(),
            decryption: self.decryption,
            token: self.token.clone(),
        }
    }

    /// Takes a page in. A page may be short or empty and not be the last: only a missing token ends a listing.
    pub fn turn(mut self, answer: Answer) -> Turn {
        self.calls += 1;
        self.found.extend(answer.found);
        match answer.next {
            None => Turn::Complete(self.found, self.calls),
            Some(token) if !self.tokens.insert(token.clone()) => {
                Turn::Broken(Fault::Refused("RepeatedNextToken".into()))
            }
            token => {
                self.token = token;
                Turn::More(self)
            }
        }
    }
}
