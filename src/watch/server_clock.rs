//! The clock of all that decides over freezes.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tower::BoxError;
use tower::util::MapFutureLayer;

use super::contact::Contact;
use crate::clock::{Clock, Moment, SystemClock};

/// Gate time: [`Clock::now`] is the API server's time at the last contact, and monotonic time since. What is decided by
/// it, when calendars open or how old a namespace is, does not follow this computer's wall clock.
#[derive(Clone)]
pub struct ServerClock {
    own: SystemClock,
    contact: Contact,
}

impl ServerClock {
    /// What `contact` tells, by the monotonic side of `own`.
    pub fn new(own: SystemClock, contact: Contact) -> Self {
        Self { own, contact }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.contact.time(self.own.moment())
    }

    fn monotonic(&self) -> Duration {
        self.own.monotonic()
    }

    fn moment(&self) -> Moment {
        self.own.moment()
    }
}

/// An answer that is on its way.
type Answering<B> = BoxFuture<'static, Result<hyper::Response<B>, BoxError>>;

/// A layer for a client that tells the contact of each answer. `watches` is the kind that the client watches and nothing
/// else, if there is one.
pub fn witness<B: 'static>(
    contact: &Contact,
    clock: SystemClock,
    watches: Option<&'static str>,
) -> MapFutureLayer<impl FnMut(Answering<B>) -> Answering<B> + Clone + use<B>> {
    let contact = contact.clone();
    MapFutureLayer::new(move |answering: Answering<B>| {
        let (contact, asked) = (contact.clone(), clock.monotonic());
        answering
            .inspect(move |answer| {
                let Ok(answer) = answer else { return };
                contact.heard(answer, asked, clock.moment());
                if let Some(resource) = watches.filter(|_| answer.status().is_success()) {
                    contact.watched(resource, asked);
                }
            })
            .boxed()
    })
}
