use super::*;

fn key(text: &str) -> SecretKey {
    SecretKey::parse(text).unwrap()
}

fn offered() -> Arc<Offered> {
    let data: [(&str, &[u8]); 7] = [
        ("USER", b"admin"),
        ("PASSWORD", b"p\"a&<ss"),
        ("tls.crt", b"PEM"),
        ("store.jks", &[0xff, 0xfe]),
        ("keys", b"a key named keys"),
        ("B64", b"aGVsbG8="),
        ("LARGE", &[b'x'; 4096]),
    ];
    Offered::new(
        data.into_iter()
            .map(|(name, value)| (key(name), SecretValue::new(value.to_vec())))
            .collect(),
    )
}

fn rendered(source: &str) -> Result<String, TemplateError> {
    let mut faults = Faults::default();
    let templates = BTreeMap::from([(key("out"), source.to_owned())]);
    let mut out = render(&templates, &offered(), &mut faults);
    match faults.settle() {
        Ok(()) => Ok(String::from_utf8(out.remove("out").unwrap().expose().to_vec()).unwrap()),
        Err(error) => match error.faults().next().unwrap() {
            Fault::Template { error, .. } => Err(error.clone()),
            other => panic!("{other}"),
        },
    }
}

#[test]
fn templates_see_the_keys() {
    for (what, source, expected) in [
        ("plain text keeps its last newline", "a\n", "a\n"),
        ("a key by its name", "u={{ USER }}\n", "u=admin\n"),
        ("nothing is escaped", "{{ PASSWORD }}", "p\"a&<ss"),
        ("a key that is no identifier", r#"{{ keys["tls.crt"] }}"#, "PEM"),
        (
            "a key with a reserved name",
            "{{ keys.keys }}",
            "a key named keys",
        ),
        ("a value that is no text", r#"{{ base64["store.jks"] }}"#, "//4="),
        ("to base64", "{{ USER|b64encode }}", "YWRtaW4="),
        ("from base64", "{{ B64|b64decode }}", "hello"),
        ("a JSON string", "{{ PASSWORD|tojson }}", r#""p\"a&<ss""#),
        (
            "JSON",
            r#"{{ {"u": USER, "n": [1, 2.5, true, none]}|tojson }}"#,
            r#"{"n":[1,2.5,true,null],"u":"admin"}"#,
        ),
        ("minijinja's own filters", "{{ USER|upper }}", "ADMIN"),
        (
            "what may be absent",
            "{% if X is defined %}{{ X }}{% else %}no{% endif %}{{ X|default('-') }}",
            "no-",
        ),
        (
            "a loop",
            "{% for name in base64 %}{{ loop.index }}{% endfor %}",
            "1234567",
        ),
        (
            "pairs",
            "{% for name, text in base64|items if name == 'USER' %}{{ name }}={{ text }}{% endfor %}",
            "USER=YWRtaW4=",
        ),
    ] {
        assert_eq!(rendered(source).as_deref(), Ok(expected), "{what}");
    }
}

#[test]
fn a_template_that_fails_says_how_and_where_only_of_its_own_text() {
    let undefined = |names: &[&str]| TemplateFault::Undefined {
        names: names.iter().map(ToString::to_string).collect(),
    };
    for (what, source, fault, line) in [
        ("syntax", "a\n{{ USER", TemplateFault::Syntax, Some(2)),
        (
            "a name that no key has",
            "{{ USER }}\n\n{{ PASWORD }}",
            undefined(&["PASWORD"]),
            None,
        ),
        (
            "a key that is not in keys",
            r#"{{ keys["nope"] }}"#,
            undefined(&[]),
            None,
        ),
        (
            "a member of a name that is not there",
            "{{ X.y }}",
            undefined(&["X"]),
            None,
        ),
        ("no text", "{{ keys['store.jks'] }}", TemplateFault::NotText, None),
        (
            "no text in a filter",
            "{{ keys['store.jks']|b64encode }}",
            TemplateFault::NotText,
            None,
        ),
        (
            "no text in tojson",
            "{{ keys|tojson }}",
            TemplateFault::NotText,
            None,
        ),
        (
            "no text in a concatenation",
            "{{ 'a' ~ keys['store.jks'] }}",
            TemplateFault::NotText,
            None,
        ),
        (
            "an unknown filter",
            "\n{{ USER|nope }}",
            TemplateFault::Unknown,
            None,
        ),
        (
            "an unknown function",
            "{{ nope() }}",
            TemplateFault::Unknown,
            None,
        ),
        (
            "an unknown method",
            "{{ USER.nope() }}",
            TemplateFault::Unknown,
            None,
        ),
        (
            "an unknown test",
            "{{ USER is nope }}",
            TemplateFault::Unknown,
            None,
        ),
        (
            "a namespace",
            "{% set n = namespace() %}",
            TemplateFault::Unknown,
            None,
        ),
        ("debug", "{{ debug() }}", TemplateFault::Unknown, None),
        (
            "other templates",
            "{% include 'x' %}",
            TemplateFault::Syntax,
            Some(1),
        ),
        ("a wrong operand", "{{ USER - 1 }}", TemplateFault::Failed, None),
        (
            "what is no base64",
            "{{ PASSWORD|b64decode }}",
            TemplateFault::Failed,
            None,
        ),
        (
            "base64 of no text",
            "{{ '//4='|b64decode }}",
            TemplateFault::NotText,
            None,
        ),
    ] {
        let expected = TemplateError { fault, line };
        assert_eq!(rendered(source).unwrap_err(), expected, "{what}");
    }
}

/// Whoever writes a template must not learn by its fault which of its lines a value made fail.
#[test]
fn which_line_a_value_made_fail_is_not_told() {
    let candidates = "abcdefghijklmnopqrstuvwxyz";
    let faults: [(&str, &str); 7] = [
        ("an unknown filter", "{{ USER|nope }}"),
        ("an unknown function", "{{ nope() }}"),
        ("a name that is not there", "{{ NOPE }}"),
        ("an index that is not there", "{{ keys['nope'] }}"),
        ("a wrong operand", "{{ USER - 1 }}"),
        ("no text", "{{ keys['store.jks'] }}"),
        (
            "no end",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        ),
    ];
    for (what, fails) in faults {
        let ask = |secret: &str| {
            let data = [("USER", secret.as_bytes()), ("store.jks", &[0xff])];
            let data = data.map(|(name, value)| (key(name), SecretValue::new(value.to_vec())));
            let line = |guess| format!("{{% if USER[0] == '{guess}' %}}{fails}{{% endif %}}\n");
            let source: String = candidates.chars().map(line).collect();
            let mut found = Faults::default();
            render(
                &[(key("out"), source)].into(),
                &Offered::new(data.into()),
                &mut found,
            );
            found.settle().unwrap_err().to_string()
        };
        let (first, last) = (ask("a-secret"), ask("z-secret"));
        assert_eq!(first, last, "{what}");
        assert!(
            !first.contains(" line ") && !first.contains("column"),
            "{what}: {first}"
        );
    }
}

#[test]
fn no_template_runs_for_ever_or_eats_the_memory() {
    for (what, source) in [
        (
            "loops in loops",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
        ),
        ("a repeated string", r#"{{ "a" * 1000000000 }}"#),
        ("a repeated value", "{{ USER * 1000000000 }}"),
        ("a repeated list", "{{ [1] * 1000000000 }}"),
        ("a large range", "{{ range(1000000000) }}"),
        ("a large list", "{{ range(99999)|list }}"),
        ("a wide number", r#"{{ "%1000000000d"|format(1) }}"#),
        ("a deep indent", "{{ PASSWORD|indent(1000000000, true) }}"),
        (
            "a replacement that grows",
            "{{ LARGE|replace('x', LARGE)|replace('x', LARGE) }}",
        ),
        ("a join that grows", "{{ LARGE|list|join(LARGE) }}"),
        (
            "text that doubles",
            "{% set a = LARGE ~ LARGE %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}{% set a = a ~ a %}",
        ),
        ("output", "{% for a in range(9999) %}{{ LARGE }}{% endfor %}"),
        (
            "base64 over and over",
            "{% for a in range(9999) %}{{ LARGE|b64encode|length }}{% endfor %}",
        ),
        (
            "JSON over and over",
            "{% for a in range(9999) %}{{ [LARGE, LARGE, LARGE]|tojson|length }}{% endfor %}",
        ),
        (
            "a loop that calls itself",
            "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        ),
        ("a large power", "{{ 10 ** 1000000000 }}"),
    ] {
        let error = rendered(source).expect_err(what);
        let stopped = [
            TemplateFault::OutOfFuel,
            TemplateFault::TooLarge,
            TemplateFault::Failed,
        ];
        assert!(stopped.contains(&error.fault), "{what}: {error}");
    }
}

#[test]
fn no_template_overflows_the_stack() {
    let filled = |before: &str, part: &str, after: &str| {
        let room = MAX_TEMPLATE_BYTES - before.len() - after.len();
        format!("{before}{}{after}", part.repeat(room / part.len()))
    };
    for source in [
        filled("{{ ", "[", " }}"),
        filled("", "{% if true %}", ""),
        filled("{{ ", "-", "1 }}"),
        filled("{{ ", "not ", "1 }}"),
        filled("{{ USER", "+USER", " }}"),
        filled("{{ USER", "~1", " }}"),
        filled("{{ 1", "**1", " }}"),
        filled("{{ USER", ".x", " }}"),
        filled("{{ USER", "()", " }}"),
        filled("{{ USER", "[0]", " }}"),
        filled("{{ USER", "|d", " }}"),
        filled("{{ 1", "<1", " }}"),
        filled("{{ USER", " or 1", " }}"),
        filled("{{ 1", " if 1 else 1", " }}"),
        filled("{% if false %}", "{%elif 0%}", "{% endif %}"),
        filled("{% for x in [1] if ", "-", "1 %}{% endfor %}"),
        filled("{% set USER", ".x", " = 1 %}"),
        filled("{% filter d", "|d", " %}{% endfilter %}"),
        filled("{% set a = [1] %}", "{% set a = [a] %}", "{{ a }}"),
        filled("{% set a = [1] %}", "{% set a = [a] %}", "{{ a == [a] }}"),
    ] {
        // Any outcome will do, but the end of this process.
        let _ = rendered(&source);
    }
    let long = filled("", "x", "") + "x";
    assert_eq!(rendered(&long).unwrap_err().fault, TemplateFault::TooLong);
}

#[test]
fn a_list_too_deep_for_json_is_refused_and_no_stack_is_lost() {
    let mut source = "{% set a = [1] %}".to_owned();
    source.push_str(&"{% set a = [a] %}".repeat(900));
    assert_eq!(
        rendered(&format!("{source}{{{{ a|tojson }}}}"))
            .unwrap_err()
            .fault,
        TemplateFault::Failed
    );
}

#[test]
fn templates_are_bounded_together_too() {
    let full = "x".repeat(MAX_TEMPLATE_BYTES);
    let templates: BTreeMap<_, _> = ["a", "b", "c", "d", "e"]
        .map(|name| (key(name), full.clone()))
        .into();
    let mut faults = Faults::default();
    assert_eq!(render(&templates, &offered(), &mut faults).len(), 4);
    let error = faults.settle().unwrap_err().to_string();
    assert!(error.starts_with("template e is longer"), "{error}");
}

#[test]
fn output_is_bounded_over_all_templates() {
    let large = "{% for a in range(200) %}{{ LARGE }}{% endfor %}".to_owned();
    let templates: BTreeMap<_, _> = ["a", "b"].map(|name| (key(name), large.clone())).into();
    let mut faults = Faults::default();
    let out = render(&templates, &offered(), &mut faults);
    assert_eq!(out.keys().map(SecretKey::as_str).collect::<Vec<_>>(), ["a"]);
    let error = faults.settle().unwrap_err().to_string();
    assert!(error.contains("template b gives more text"), "{error}");
}

#[test]
fn the_values_come_back_whole_and_unshared() {
    let offered = offered();
    render(
        &BTreeMap::from([(key("x"), "{{ USER }}{{ keys }}".into())]),
        &offered,
        &mut Faults::default(),
    );
    assert_eq!(
        Arc::strong_count(&offered),
        1,
        "nothing of the engine holds on to values"
    );
    assert_eq!(offered.into_data().len(), 7);
}
