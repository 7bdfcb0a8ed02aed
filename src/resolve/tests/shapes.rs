//! Shapes are compared with what was computed once, by releases that are gone: of the same spec they must never change.

use super::*;

/// Ten specs, each with the shape that this release records and the one that release 0.1 did. Made by another program
/// than ours, so that a change of both at once shows.
fn pinned() -> [(Value, &'static str, &'static str); 10] {
    [
        (
            json!({"sources": [{"path": "/web"}]}),
            "1.a2075d7d5ef51e07c089357995a72eb2",
            "adf3730298f3d70e00487df7494020d9",
        ),
        (
            json!({"sources": [{"path": "/web", "recursive": true, "include": ["DB_*"], "exclude": ["_*"]}]}),
            "1.34302facbb1bc2bd1daa4adc616ef2d2",
            "4c26c29584c48288514f6e7d6d96edb2",
        ),
        (
            json!({"sources": [{"path": "/web", "keys": {"style": "EnvVar", "prefix": "APP_", "separator": "-"}}]}),
            "1.700771d9b15123fc038eee9c351db121",
            "45b8c021f5ac26ab9209f3ed56bba2b6",
        ),
        (
            json!({"sources": [{"name": "/web/a", "key": "A", "version": 7}]}),
            "1.4ceea4ff3f9c26c15482b656471b3071",
            "df00f5f465b95000505341402548b338",
        ),
        (
            json!({"sources": [{"name": "/web/a", "optional": true, "decode": "Base64"}]}),
            "1.b7a35aaca50dd633b0589fb6f3c540de",
            "dbe5276fca41fc4e01dcfb93e22f14cb",
        ),
        (
            json!({"sources": [{"name": "/web/a", "expand": "JSON"}, {"name": "/web/b", "pointer": "/cert", "key": "tls.crt"}]}),
            "1.50d1320161195cbe61513efee56d6cd7",
            "9615a7ce7e5ffd90a5f6de76576e926c",
        ),
        (
            json!({"sources": [{"path": "/web"}, {"path": "/web/more", "onMissing": "Hold"}], "onCollision": "LastWins"}),
            "1.e7adf33a9ae28bc649593ee9ebdf84f6",
            "3bfcd1bebeedfedb63d001acc1c080d1",
        ),
        (
            json!({"sources": [{"path": "/web"}], "target": {"name": "other", "labels": {"team": "shop"}, "annotations": {"note": "kept"}}}),
            "1.31f0213ebd51b3f3b444f6de84e8a378",
            "02d04a99fad5ed58f81ae01c33a1546e",
        ),
        (
            json!({"sources": [{"path": "/web"}], "target": {"type": "kubernetes.io/basic-auth", "deletionPolicy": "Retain"}}),
            "1.be88f801fdce02b030bee3baaaf7c7bd",
            "be88f801fdce02b030bee3baaaf7c7bd",
        ),
        (
            json!({"sources": [{"path": "/web"}], "target": {"templates": {"app": "it is {{ A }}", "b": "{{ B }}"}, "templatesOnly": true}}),
            "1.48f48f17b15e31dfb4daa46ea6236957",
            "ec6cb3b8de1f1b21246f7d1d16a7a4f2",
        ),
    ]
}

#[test]
fn ten_shapes_are_what_they_were() {
    let cluster = Cluster::new();
    for (spec, now, legacy) in pinned() {
        let resolved = cluster.resolve(&object("shop", "web", spec.clone())).unwrap();
        let shapes = (&*resolved.shape.0, &*resolved.legacy_shape.0);
        assert_eq!(shapes, (now, legacy), "{spec}");
    }
}
