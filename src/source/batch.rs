//! Names into batches: ten to a call, and never one parameter twice. Pure.
//!
//! GetParameters answers with the parameter's name, not with what was asked: `/x` and `/x:7` come back alike, and so
//! do `/x` and the ARN of another account's `/x`. Parameters of one batch therefore differ in their path.

use std::collections::BTreeSet;

use crate::names::ParameterRef;

/// The most names that GetParameters takes, and the most parameters in a page of GetParametersByPath.
pub const BATCH: usize = 10;

/// The first batch out of `candidates`, which come most urgent first.
pub fn pack<'a>(candidates: impl IntoIterator<Item = &'a ParameterRef>) -> Vec<ParameterRef> {
    let mut paths = BTreeSet::new();
    let mut batch = Vec::new();
    for reference in candidates {
        if batch.len() == BATCH {
            break;
        }
        if paths.insert(reference.name.path()) {
            batch.push(reference.clone());
        }
    }
    batch
}

/// How many calls it takes to read `count` different names.
pub fn calls(count: usize) -> usize {
    count.div_ceil(BATCH)
}

/// Two halves of a batch that was refused as a whole, to find the culprit; none of a batch of one.
pub fn halves<T>(mut batch: Vec<T>) -> Result<(Vec<T>, Vec<T>), Option<T>> {
    if batch.len() < 2 {
        return Err(batch.pop());
    }
    let second = batch.split_off(batch.len() / 2);
    Ok((batch, second))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::{ParameterName, Selector};

    fn reference() -> impl Strategy<Value = ParameterRef> {
        (0u8..30, 0i64..4, any::<bool>()).prop_map(|(name, version, shared)| {
            let prefix = if shared {
                "arn:aws:ssm:eu-west-1:111122223333:parameter"
            } else {
                ""
            };
            ParameterRef {
                name: ParameterName::parse(&format!("{prefix}/n{name}")).unwrap(),
                selector: if version == 0 {
                    Selector::Latest
                } else {
                    Selector::Version(version)
                },
            }
        })
    }

    proptest! {
        #[test]
        fn batches_cover_every_reference_once_and_hold_no_parameter_twice(
            mut left in prop::collection::btree_set(reference(), 0..120)
        ) {
            let all = left.clone();
            let mut seen = BTreeSet::new();
            while !left.is_empty() {
                let batch = pack(&left);
                prop_assert!(!batch.is_empty() && batch.len() <= BATCH);
                let paths: BTreeSet<_> = batch.iter().map(|r| r.name.path().to_owned()).collect();
                prop_assert_eq!(paths.len(), batch.len());
                for reference in batch {
                    prop_assert!(left.remove(&reference));
                    prop_assert!(seen.insert(reference));
                }
            }
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn one_culprit_among_ten_is_found_in_at_most_eight_more_calls(culprit in 0usize..10) {
            let (mut queue, mut calls, mut found) = (vec![(0..10).collect::<Vec<_>>()], 0, None);
            while let Some(batch) = queue.pop() {
                calls += 1;
                if batch.contains(&culprit) {
                    match halves(batch) {
                        Ok((first, second)) => queue.extend([first, second]),
                        Err(single) => found = single,
                    }
                }
            }
            prop_assert_eq!(found, Some(culprit));
            prop_assert!(calls <= 9);
        }
    }

    #[test]
    fn distinct_names_fill_batches() {
        let refs: Vec<_> = (0..20)
            .map(|n| ParameterRef::latest(ParameterName::parse(&format!("/a/{n}")).unwrap()))
            .collect();
        assert_eq!(pack(&refs).len(), 10);
        assert_eq!((calls(0), calls(1), calls(10), calls(11)), (0, 1, 1, 2));
    }
}
