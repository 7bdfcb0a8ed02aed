//! How large a Secret may be, measured before it is written.

use std::collections::BTreeMap;

use crate::api::MAX_PARAMETERS;
use crate::names::SecretKey;
use crate::record::{ANNOTATION, Applied, Provenance};
use crate::value::SecretValue;

use super::error::{Fault, Faults, Measure};

/// The most keys that one Secret may have.
pub const MAX_KEYS: usize = 1_000;
/// The most bytes that all values together may have: Kubernetes' own rule for Secrets (`MaxSecretSize`).
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;
/// The most bytes that all annotations together may have: Kubernetes' own rule for objects.
pub const MAX_ANNOTATION_BYTES: usize = 256 * 1024;
/// The most bytes of values, annotations and keys together. Above 1.5 MiB etcd refuses the object, which the API
/// server reports as if it were to pass; each key is stored again in the record of who owns it.
pub const MAX_BYTES: usize = 1280 * 1024;
/// What the record of ownership adds to a key, in bytes.
const KEY_OVERHEAD: usize = 16;
/// The most parameters that status can tell of, one entry a key. What does not fit is not written: what status does not
/// tell of, nobody could put back.
pub const MAX_ENTRIES: usize = MAX_PARAMETERS as usize;
/// The most bytes that those entries may have. Status as a whole stays below 1 MiB: conditions, gates and what waits are
/// bounded, and have the rest.
pub const MAX_STATUS_BYTES: usize = 896 * 1024;
/// What an entry has beside its key and its name: the fields' names, version, time and type.
const ENTRY_OVERHEAD: usize = 144;

/// What the seal and the time of the write take at most, with their names.
const STAMPS: usize = 512;

/// The sizes that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    keys: usize,
    key_bytes: usize,
    values: usize,
    annotations: usize,
    entries: usize,
    status: usize,
}

/// Adds a fault for each bound that the Secret would break.
pub(super) fn check(
    data: &BTreeMap<SecretKey, SecretValue>,
    provenance: &Provenance,
    annotations: &BTreeMap<String, String>,
    faults: &mut Faults,
) {
    let told = || provenance.parameters.iter().map(entries);
    let (entries, status) = (
        told().map(|(count, _)| count).sum(),
        told().map(|(_, bytes)| bytes).sum(),
    );
    let provenance = provenance.to_annotation(i64::MAX).len();
    let own: usize = annotations
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum();
    Sizes {
        keys: data.len(),
        key_bytes: data.keys().map(|key| key.as_str().len()).sum(),
        values: data.values().map(SecretValue::len).sum(),
        annotations: ANNOTATION.len() + provenance + STAMPS + own,
        entries,
        status,
    }
    .check(faults);
}

/// How many entries a parameter has in status, one a key or one without, and how many bytes of JSON they take at most:
/// neither names nor keys have what JSON escapes.
fn entries(applied: &Applied) -> (usize, usize) {
    let count = applied.keys.len().max(1);
    let keys: usize = applied.keys.iter().map(|key| key.as_str().len()).sum();
    let name = applied.name.to_string().len();
    (count, keys + count * (name + ENTRY_OVERHEAD))
}

impl Sizes {
    fn check(&self, faults: &mut Faults) {
        if self.keys > MAX_KEYS {
            faults.add(Fault::TooManyKeys {
                keys: self.keys,
                limit: MAX_KEYS,
            });
        }
        if self.entries > MAX_ENTRIES {
            faults.add(Fault::TooManyParameters {
                entries: self.entries,
                limit: MAX_ENTRIES,
            });
        }
        let whole = self.values + self.annotations + self.key_bytes + self.keys * KEY_OVERHEAD;
        for (measure, bytes, limit) in [
            (Measure::Values, self.values, MAX_VALUE_BYTES),
            (Measure::Annotations, self.annotations, MAX_ANNOTATION_BYTES),
            (Measure::Status, self.status, MAX_STATUS_BYTES),
            (Measure::Whole, whole, MAX_BYTES),
        ] {
            if bytes > limit {
                faults.add(Fault::TooLarge { measure, limit });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::ParameterStatus;
    use crate::names::ParameterName;
    use crate::record::{ParameterKind, Stamp};

    fn faults(sizes: Sizes) -> Vec<Fault> {
        let mut faults = Faults::default();
        sizes.check(&mut faults);
        faults
            .settle()
            .err()
            .map(|error| error.faults().cloned().collect())
            .unwrap_or_default()
    }

    const SMALL: Sizes = Sizes {
        keys: 1,
        key_bytes: 1,
        values: 1,
        annotations: 300,
        entries: 1,
        status: 200,
    };

    #[test]
    fn each_bound_holds_to_the_byte() {
        let large = |measure, limit| Some(Fault::TooLarge { measure, limit });
        let whole = Sizes {
            keys: 10,
            key_bytes: 100,
            values: 1_048_576,
            annotations: 0,
            entries: 10,
            status: 0,
        };
        for (what, sizes, expected) in [
            ("1,000 keys", Sizes { keys: 1000, ..SMALL }, None),
            (
                "1,001 keys",
                Sizes { keys: 1001, ..SMALL },
                Some(Fault::TooManyKeys {
                    keys: 1001,
                    limit: 1000,
                }),
            ),
            (
                "1 MiB of values",
                Sizes {
                    values: 1_048_576,
                    ..SMALL
                },
                None,
            ),
            (
                "a byte more",
                Sizes {
                    values: 1_048_577,
                    ..SMALL
                },
                large(Measure::Values, 1_048_576),
            ),
            (
                "256 KiB of annotations",
                Sizes {
                    annotations: 262_144,
                    ..SMALL
                },
                None,
            ),
            (
                "a byte more",
                Sizes {
                    annotations: 262_145,
                    ..SMALL
                },
                large(Measure::Annotations, 262_144),
            ),
            (
                "2,000 entries in status",
                Sizes {
                    entries: 2000,
                    ..SMALL
                },
                None,
            ),
            (
                "an entry more",
                Sizes {
                    entries: 2001,
                    ..SMALL
                },
                Some(Fault::TooManyParameters {
                    entries: 2001,
                    limit: 2000,
                }),
            ),
            (
                "896 KiB of status",
                Sizes {
                    status: 917_504,
                    ..SMALL
                },
                None,
            ),
            (
                "a byte more",
                Sizes {
                    status: 917_505,
                    ..SMALL
                },
                large(Measure::Status, 917_504),
            ),
            (
                "1.25 MiB in all",
                Sizes {
                    annotations: 261_884,
                    ..whole
                },
                None,
            ),
            (
                "a byte more",
                Sizes {
                    annotations: 261_885,
                    ..whole
                },
                large(Measure::Whole, 1_310_720),
            ),
        ] {
            assert_eq!(faults(sizes), Vec::from_iter(expected), "{what}");
        }
    }

    #[test]
    fn what_status_says_of_a_parameter_never_takes_more_than_is_reckoned() {
        for (name, keys) in [
            ("/web/A", &["A"][..]),
            ("/web/A", &[]),
            ("/web/A", &["a", "b", "c"]),
            (
                "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/shared/CA",
                &["ca.crt"],
            ),
        ] {
            let applied = Applied {
                source: 49,
                name: ParameterName::parse(name).unwrap(),
                stamp: Stamp {
                    version: i64::MAX,
                    last_modified: "2026-11-23T10:00:00.123Z".parse().unwrap(),
                },
                kind: ParameterKind::SecureString,
                keys: keys.iter().map(|key| SecretKey::parse(key).unwrap()).collect(),
            };
            // As `report` writes it.
            let entry = |key: Option<&SecretKey>| ParameterStatus {
                key: key.map(ToString::to_string),
                source: 49,
                name: applied.name.to_string(),
                version: i64::MAX,
                last_modified: format!("{:.3}", applied.stamp.last_modified),
                parameter_type: applied.kind.as_str().to_owned(),
            };
            let mut told: Vec<ParameterStatus> = applied.keys.iter().map(|key| entry(Some(key))).collect();
            if told.is_empty() {
                told.push(entry(None));
            }
            let written = serde_json::to_string(&told).unwrap().len();
            let (count, bytes) = entries(&applied);
            assert_eq!(count, told.len(), "{name}");
            assert!(
                written <= bytes && bytes - written < 20 * count + 20,
                "{name}: {written} of {bytes}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_passes_stays_so_when_anything_shrinks(
            sizes in (0_usize..1100, 0_usize..300_000, 0_usize..1_100_000, 0_usize..270_000),
            (entries, status) in (0_usize..2200, 0_usize..1_000_000),
            by in 0_usize..1000,
        ) {
            let (keys, key_bytes, values, annotations) = sizes;
            let sizes = Sizes { keys, key_bytes, values, annotations, entries, status };
            prop_assume!(faults(sizes).is_empty());
            let smaller = Sizes {
                keys: keys.saturating_sub(by),
                key_bytes: key_bytes.saturating_sub(by),
                values: values.saturating_sub(by),
                annotations: annotations.saturating_sub(by),
                entries: entries.saturating_sub(by),
                status: status.saturating_sub(by),
            };
            prop_assert!(faults(smaller).is_empty());
        }
    }
}
