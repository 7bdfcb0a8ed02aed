//! From a parameter's name to a key.

use crate::names::{KeyError, SecretKey};
use crate::resolve::{KeyNaming, KeyStyle};

/// The key of a parameter by its name relative to the path: segments joined by the separator, then the style, then
/// the prefix put before.
pub(super) fn name_key(naming: &KeyNaming, relative: &str) -> Result<SecretKey, KeyError> {
    let joined = relative.replace('/', &naming.separator);
    SecretKey::parse(&format!("{}{}", naming.prefix, styled(naming.style, &joined)))
}

fn styled(style: KeyStyle, text: &str) -> String {
    match style {
        KeyStyle::Keep => text.to_owned(),
        KeyStyle::EnvVar => text.to_ascii_uppercase().replace(['-', '.'], "_"),
        KeyStyle::Lower => text.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naming(style: KeyStyle, prefix: &str, separator: &str) -> KeyNaming {
        KeyNaming {
            style,
            prefix: prefix.into(),
            separator: separator.into(),
        }
    }

    #[test]
    fn names_become_keys() {
        use KeyStyle::{EnvVar, Keep, Lower};
        for (what, naming, relative, key) in [
            (
                "a name is kept",
                naming(Keep, "", "_"),
                "Db-Pass.word",
                "Db-Pass.word",
            ),
            ("segments are joined", naming(Keep, "", "_"), "a/b/c", "a_b_c"),
            ("by any separator", naming(Keep, "", "--"), "a/b", "a--b"),
            ("by none", naming(Keep, "", ""), "a/b", "ab"),
            (
                "env style",
                naming(EnvVar, "", "_"),
                "db-pass.word",
                "DB_PASS_WORD",
            ),
            ("env style joins first", naming(EnvVar, "", "."), "a/b", "A_B"),
            ("lower style", naming(Lower, "", "_"), "DB-X.y", "db-x.y"),
            (
                "the prefix is not styled",
                naming(EnvVar, "app.", "_"),
                "x",
                "app.X",
            ),
            ("nor lowered", naming(Lower, "APP_", "_"), "X", "APP_x"),
        ] {
            assert_eq!(name_key(&naming, relative).unwrap().as_str(), key, "{what}");
        }
    }

    #[test]
    fn a_key_that_kubernetes_refuses_is_refused() {
        for (naming, relative) in [
            (naming(KeyStyle::Keep, "", "/"), "a/b"),
            (naming(KeyStyle::Keep, "a b", "_"), "x"),
            (naming(KeyStyle::Keep, "..", "_"), "x"),
            (naming(KeyStyle::Keep, &"p".repeat(253), "_"), "x"),
        ] {
            assert!(name_key(&naming, relative).is_err(), "{naming:?} {relative}");
        }
    }

    fn style() -> impl Strategy<Value = KeyStyle> {
        prop_oneof![
            Just(KeyStyle::Keep),
            Just(KeyStyle::EnvVar),
            Just(KeyStyle::Lower)
        ]
    }

    proptest! {
        #[test]
        fn a_style_applied_twice_is_applied_once(style in style(), text in "[a-zA-Z0-9_.-]{0,40}") {
            let once = styled(style, &text);
            prop_assert_eq!(styled(style, &once), once);
        }

        #[test]
        fn every_name_below_a_path_gives_a_valid_key_by_the_default_separator(
            style in style(),
            relative in "[a-zA-Z0-9_-]{1,10}(/[a-zA-Z0-9_.-]{1,10}){0,5}",
        ) {
            let key = name_key(&naming(style, "", "_"), &relative);
            prop_assert!(key.is_ok(), "{:?}", key);
        }

        #[test]
        fn env_style_gives_what_a_shell_takes(relative in "[a-z][a-zA-Z0-9_.-]{0,20}(/[a-zA-Z0-9_.-]{1,9}){0,3}") {
            let key = name_key(&naming(KeyStyle::EnvVar, "", "_"), &relative).unwrap();
            prop_assert!(key.as_str().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
        }
    }
}
