//! How engines and calendars come by clients.

use crate::resolve::StoreIdentity;

/// Makes the client of an identity. No network yet.
pub trait Connect: Send + Sync + 'static {
    /// The client.
    type Api: Send + Sync + 'static;
    /// A client that reads as `identity`.
    fn connect(&self, identity: &StoreIdentity) -> Self::Api;
}
