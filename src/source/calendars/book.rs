//! All followed calendars: whose turn it is, and who must be told. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;

use super::answer::CalendarReply;
use super::error::CalendarError;
use super::following::{Followed, Following, Standing};
use crate::resolve::StoreIdentity;
use crate::schedule;
use crate::source::call::Fault;
use crate::source::now::Now;

/// One request to be made.
#[derive(Clone, Debug)]
pub(super) struct Question<K> {
    /// Whom to ask.
    pub(super) store: StoreIdentity,
    /// All documents of the calendar.
    pub(super) documents: Vec<String>,
    key: K,
    serial: u64,
    asked: Now,
}

/// The calendars by key.
pub(super) struct Book<K> {
    pages: BTreeMap<K, Page>,
    /// Identities that have a request under way; each has one at a time, for the quota of GetCalendarState is not known.
    busy: BTreeSet<StoreIdentity>,
    /// Counts pages and questions: the lowest has waited longest.
    serial: u64,
}

struct Page {
    following: Following,
    /// Which page this is: an answer to one that was replaced meanwhile is not for this one.
    serial: u64,
    /// When it was its turn last; none asks twice before each that is due was asked once.
    turn: u64,
    told: Standing,
}

impl<K: Clone + Ord + Display> Book<K> {
    pub(super) fn new() -> Self {
        Self {
            pages: BTreeMap::new(),
            busy: BTreeSet::new(),
            serial: 0,
        }
    }

    /// Follows a calendar. The same again changes nothing; another one drops what was known of the one before.
    pub(super) fn follow(&mut self, key: K, followed: Followed, now: Now) {
        let before = self.pages.get(&key);
        if before.is_some_and(|page| *page.following.followed() == followed) {
            return;
        }
        let told = before.map_or(Standing::Unknown(CalendarError::NotHeard), |page| {
            page.told.clone()
        });
        self.serial += 1;
        let seed = schedule::stable_hash(&[&key.to_string()]);
        let page = Page {
            following: Following::new(followed, seed, now),
            serial: self.serial,
            turn: 0,
            told,
        };
        self.pages.insert(key, page);
    }

    /// Forgets a calendar.
    pub(super) fn forget(&mut self, key: &K) {
        self.pages.remove(key);
    }

    /// What is known of a calendar at `now`; of one that is not followed, nothing.
    pub(super) fn standing(&self, key: &K, now: Timestamp) -> Standing {
        self.pages
            .get(key)
            .map_or(Standing::Unknown(CalendarError::NotHeard), |page| {
                page.following.standing(now)
            })
    }

    /// Whether anything is followed by this identity.
    pub(super) fn needs(&self, store: &StoreIdentity) -> bool {
        self.pages
            .values()
            .any(|page| page.following.followed().store == *store)
    }

    /// The next request to make now, if any is due. Its identity is busy until [`Book::answered`].
    pub(super) fn ask(&mut self, now: Now) -> Option<Question<K>> {
        let busy = &self.busy;
        let (key, page) = self
            .pages
            .iter_mut()
            .filter(|(_, page)| page.is_free(busy) && page.following.wait(now).is_zero())
            .min_by_key(|(_, page)| page.turn)?;
        self.serial += 1;
        page.turn = self.serial;
        let followed = page.following.followed();
        self.busy.insert(followed.store.clone());
        Some(Question {
            store: followed.store.clone(),
            documents: followed.documents.clone(),
            key: key.clone(),
            serial: page.serial,
            asked: now,
        })
    }

    /// Takes in what came of a request.
    pub(super) fn answered(
        &mut self,
        question: &Question<K>,
        result: Result<CalendarReply, Fault>,
        now: Now,
    ) {
        self.busy.remove(&question.store);
        if let Some(page) = self.pages.get_mut(&question.key)
            && page.serial == question.serial
        {
            page.following.answered(result, question.asked, now);
        }
    }

    /// Those of whom something else is to be said now than was told before.
    pub(super) fn news(&mut self, now: Timestamp) -> Vec<K> {
        let mut news = vec![];
        for (key, page) in &mut self.pages {
            let standing = page.following.standing(now);
            if standing.is_news_after(&page.told) {
                news.push(key.clone());
                page.told = standing;
            }
        }
        news
    }

    /// How long until something is due or holds no more. What waits for an answer wakes by that.
    pub(super) fn rest(&self, now: Now) -> Option<Duration> {
        let waits = self.pages.values().flat_map(|page| {
            let due = page.is_free(&self.busy).then(|| page.following.wait(now));
            due.into_iter().chain(page.following.holds_for(now))
        });
        waits.min()
    }
}

impl Page {
    fn is_free(&self, busy: &BTreeSet<StoreIdentity>) -> bool {
        !busy.contains(&self.following.followed().store)
    }
}
