//! What is done with the owner reference, beside all else.

use super::*;

#[test]
fn the_owner_reference_is_put_right_whatever_else_is_held() {
    let base = World::in_sync;
    let another = |w: &mut World| w.secret().owner = OwnedBy::One("u-0".into());
    let set = Some(OwnerPatch::Set);
    for (case, world, owner) in vec![
        ("as it is wanted", base(), None),
        ("another life's", base().with(another), set),
        ("two", base().with(|w| w.secret().owner = OwnedBy::Several), set),
        ("none", base().with(|w| w.secret().owner = OwnedBy::Nobody), set),
        (
            "suspended",
            base().with(another).with(|w| w.resolved.suspended = true),
            set,
        ),
        (
            "frozen",
            base()
                .with(another)
                .with(newer)
                .with(|w| w.resolved.gate = closed()),
            set,
        ),
        (
            "not wanted",
            base().with(|w| w.resolved.target.owned = false),
            Some(OwnerPatch::Clear),
        ),
        (
            "not wanted, and the object goes",
            base()
                .with(|w| w.resolved.target.owned = false)
                .with(|w| w.deleting = true),
            Some(OwnerPatch::Clear),
        ),
        (
            "the object goes",
            base().with(another).with(|w| w.deleting = true),
            None,
        ),
        (
            "a foreign Secret",
            World::new().with(|w| w.secret = SecretState::Present(foreign())),
            None,
        ),
        (
            "no record, but our seal",
            base().with(another).with(|w| w.stated().record = None),
            set,
        ),
    ] {
        assert_eq!(world.decide().owner, owner, "{case}");
    }
}
