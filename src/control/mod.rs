//! The loops: who gets a pass, one pass a key, and what is said of it. I/O.
//!
//! [`syncs`] is the sentence on one screen; [`calendars`] and [`stores`] are the same for their kinds. What a pass needs
//! of the rest of the program is in [`context`], what is remembered between passes in [`memory`], which is pure, as are
//! [`queue`], [`quiet`] and [`world`].

pub mod calendars;
pub mod context;
pub mod memory;
mod owner;
pub mod pass;
pub mod queue;
pub mod quiet;
pub mod run;
pub mod seal;
pub mod stores;
pub mod syncs;
mod tell;
pub mod world;
