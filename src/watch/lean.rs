//! A watch whose first list never is one body: a page of Secrets with large annotations can be 64 MB.

use std::fmt::Debug;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::Resource;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;

use super::streams::Watches;

/// How many objects a page holds where the API server streams no lists.
const PAGE: u32 = 10;

type Events<K> = BoxStream<'static, Result<Event<K>, watcher::Error>>;

impl Watches {
    /// A watch whose objects come one by one, or in small pages where the API server refuses that.
    pub(super) fn watch_lean<K>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        resource: &'static str,
    ) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let streamed = self
            .watch(api.clone(), config.clone().streaming_lists(), resource)
            .boxed();
        let paged = self.watch(api, config.page_size(PAGE), resource).boxed();
        stream::unfold((streamed, Some(paged)), next)
    }
}

/// The next event; from `paged`, once `events` is refused.
async fn next<K: Send + 'static>(
    (mut events, mut paged): (Events<K>, Option<Events<K>>),
) -> Option<(Result<Event<K>, watcher::Error>, (Events<K>, Option<Events<K>>))> {
    loop {
        let event = events.next().await?;
        match (&event, paged.take()) {
            (Err(error), Some(other)) if is_refused(error) => {
                tracing::debug!("this API server streams no lists; listing in pages of {PAGE}");
                events = other;
            }
            (_, kept) => return Some((event, (events, kept))),
        }
    }
}

/// Whether the API server does not know how to stream a list.
fn is_refused(error: &watcher::Error) -> bool {
    let watcher::Error::WatchStartFailed(kube::Error::Api(status)) = error else {
        return false;
    };
    matches!(status.code, 400 | 422)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn failed(code: u16) -> watcher::Error {
        let status = Status::failure("sendInitialEvents is forbidden", "Invalid").with_code(code);
        watcher::Error::WatchStartFailed(kube::Error::Api(Box::new(status)))
    }

    async fn seen(streamed: Vec<Result<Event<u8>, watcher::Error>>) -> Vec<String> {
        let paged = stream::iter([Ok(Event::Init), Ok(Event::InitApply(7)), Ok(Event::InitDone)]).boxed();
        let events = stream::unfold((stream::iter(streamed).boxed(), Some(paged)), next);
        events
            .map(|event| match event {
                Ok(event) => format!("{event:?}"),
                Err(_) => "error".to_owned(),
            })
            .collect()
            .await
    }

    #[tokio::test]
    async fn pages_are_taken_where_streaming_is_refused_and_only_there() {
        assert_eq!(
            seen(vec![Err(failed(422))]).await,
            ["Init", "InitApply(7)", "InitDone"]
        );
        assert_eq!(
            seen(vec![Ok(Event::Init), Err(failed(503)), Ok(Event::InitApply(1))]).await,
            ["Init", "error", "InitApply(1)"]
        );
    }
}
