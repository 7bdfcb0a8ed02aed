//! Zones by name.

use super::*;

#[test]
fn the_tz_database_is_the_built_in_one_of_2026f_or_later() {
    let version = super::super::zone::database_version();
    assert!(version >= "2026f", "{version}");
}

#[test]
fn these_names_are_known() {
    let winter = instant("2026-01-15T12:00:00Z");
    for (name, hours) in [
        ("Europe/Berlin", 1.0),
        ("europe/BERLIN", 1.0),
        ("US/Eastern", -5.0),
        ("UTC", 0.0),
        ("Etc/GMT+1", -1.0),
        ("W. Europe Standard Time", 1.0),
        ("Pacific Standard Time (Mexico)", -8.0),
        ("India Standard Time", 5.5),
        ("UTC-11", -11.0),
        ("tzone://Microsoft/Utc", 0.0),
        ("/citadel.org/20210210_1/America/New_York", -5.0),
        (
            "/freeassociation.sourceforge.net/America/Argentina/Buenos_Aires",
            -3.0,
        ),
        ("GMT+1", 1.0),
        ("utc-05:30", -5.5),
        ("GMT+0545", 5.75),
        ("UTC+14", 14.0),
        ("GMT-0", 0.0),
    ] {
        let zone = super::super::zone::by_name(name).unwrap_or_else(|| panic!("{name} is unknown"));
        let seconds = zone.rules.to_offset(winter).seconds();
        assert!(
            (f64::from(seconds) / 3600.0 - hours).abs() < 1e-9,
            "{name}: {seconds}"
        );
        assert_eq!(&*zone.name, name, "a zone is called what it was called");
    }
}

#[test]
fn these_names_are_not() {
    for name in [
        "",
        "Berlin",
        "Europe/Atlantis",
        "Factory",
        "Etc/Unknown",
        "local",
        "Customized Time Zone",
        "tzone://Microsoft/Custom",
        "/citadel.org/20210210_1/Nowhere",
        "GMT+",
        "GMT+15",
        "GMT+1:",
        "GMT+1:60",
        "GMT+12345",
        "GMT+-1",
        "GM\u{fc}+1",
        "UTC 1",
        "W. Europe standard time ",
        "/",
    ] {
        assert!(super::super::zone::by_name(name).is_none(), "{name:?}");
    }
}
