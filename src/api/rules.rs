//! The CEL rules of the schemas, one function each, in the order of the kinds that use them.
//!
//! Each refuses one thing and says what would do. They stay within the API server's cost budget because every string,
//! list and map that they touch is bounded. `names` and `resolve` check the same again, on objects that a looser
//! schema let through.

use kube::core::{Reason, Rule};

pub(super) fn rule(cel: &str, message: &str) -> Rule {
    Rule::new(cel).message(message)
}

/// A Go duration of hours, minutes and seconds within the bounds.
pub(super) fn duration_between(least: &str, most: &str, message: &str) -> Rule {
    rule(
        &format!(
            "self.matches('^([0-9]{{1,4}}h)?([0-9]{{1,5}}m)?([0-9]{{1,6}}s)?$') && self.size() > 0 \
             && duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
        ),
        message,
    )
}

// ParameterSync

/// The target's name is fixed; naming the default is no change.
pub fn target_name_stays() -> Rule {
    let name = |of: &str| {
        format!(
            "(has({of}.spec.target) && has({of}.spec.target.name) ? {of}.spec.target.name : {of}.metadata.name)"
        )
    };
    rule(
        &format!("{} == {}", name("self"), name("oldSelf")),
        "spec.target.name cannot be changed: delete the ParameterSync and create one that writes the other Secret",
    )
    .field_path(".spec.target.name")
}

/// What an older revision in status is answered with.
pub const REVISION_GOES_BACK: &str = "status.secret.revision cannot go back";

/// What status says of the Secret never goes back: neither to an older revision, nor to none.
pub fn revision_grows() -> Rule {
    let revision =
        |of: &str| format!("(has({of}.secret) && has({of}.secret.revision) ? {of}.secret.revision : 0)");
    rule(
        &format!("{} <= {}", revision("oldSelf"), revision("self")),
        REVISION_GOES_BACK,
    )
}

/// A forged release of Helm is applied with the rights of who rolls back next; the seal is the operator's own. On the
/// field, not on the object, whose rules would refuse the status of one that was stored before; `resolve` refuses the
/// default name.
pub fn target_name_is_free() -> Rule {
    rule(
        "!self.startsWith('sh.helm.release.') && self != 'paramsync-seal'",
        "must not begin with sh.helm.release., which Helm reads as a release, nor be paramsync-seal, which is the \
         operator's own: name another target",
    )
}

/// How stale a value may get.
pub fn interval() -> Rule {
    duration_between(
        "10s",
        "24h",
        "must be a duration such as 10m or 1h30m, from 10s to 24h",
    )
}

/// A DNS subdomain, the rule for names of Secrets and of our own kinds.
pub fn object_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        "must be a name such as web-env: lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
    )
}

/// A source reads a path or a name.
pub fn path_or_name() -> Rule {
    rule(
        "has(self.path) != has(self.name)",
        "give exactly one of path and name",
    )
}

/// Fields that speak of one parameter.
pub fn fields_of_name() -> Rule {
    rule(
        "!has(self.path) || !(has(self.key) || has(self.version) || has(self.label) || has(self.optional) \
         || has(self.decode) || has(self.expand) || has(self.pointer))",
        "key, version, label, optional, decode, expand and pointer go with name, not with path",
    )
}

/// Fields that speak of many parameters.
pub fn fields_of_path() -> Rule {
    rule(
        "!has(self.name) || !(has(self.recursive) || has(self.include) || has(self.exclude) || has(self.keys) \
         || has(self.onMissing))",
        "recursive, include, exclude, keys and onMissing go with path, not with name",
    )
}

/// One selector at most.
pub fn version_or_label() -> Rule {
    rule(
        "!(has(self.version) && has(self.label))",
        "give version or label, not both",
    )
}

/// Expanded members bring their own keys.
pub fn expand_alone() -> Rule {
    rule(
        "!has(self.expand) || !(has(self.key) || has(self.pointer))",
        "expand takes its keys from the JSON object: leave key and pointer out",
    )
}

/// Parameter Store's characters, or an ARN in front of them.
pub fn name_characters() -> Rule {
    rule(
        "self.matches('^(arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/)?[a-zA-Z0-9_./-]+$')",
        "must be a parameter's name such as /web/DB_PASSWORD (letters, digits, '_', '.', '-', '/'; a version or label \
         goes into its own field) or an ARN such as arn:aws:ssm:REGION:ACCOUNT:parameter/web/DB_PASSWORD",
    )
}

/// No empty segment, no `.` and no `..`: they could lead past an allowed prefix.
pub fn name_segments() -> Rule {
    rule(
        "!self.matches('//|/$|(^|/)[.][.]?(/|$)')",
        "must not have an empty segment, one that is '.' or '..', or a '/' at its end",
    )
}

/// Parameter Store's characters.
pub fn path_characters() -> Rule {
    rule(
        "self.matches('^[a-zA-Z0-9_./-]+$')",
        "must be a path such as /web (letters, digits, '_', '.', '-', '/'); a parameter given by ARN goes into name",
    )
}

/// As for names, but for one `/` at the end.
pub fn path_segments() -> Rule {
    rule(
        "!self.matches('//|(^|/)[.][.]?(/|$)')",
        "must not have an empty segment or one that is '.' or '..'",
    )
}

/// Parameter Store's depth.
pub fn levels() -> Rule {
    rule(
        "self.matches('^(arn:[^/]*)?/*([^/]+/+){0,14}[^/]*/*$')",
        "must have at most 15 levels",
    )
}

/// What Parameter Store keeps for itself; `/aws/reference` passes through to another service.
pub fn reserved() -> Rule {
    rule(
        "!self.matches('^(arn:[^/]*/|/)?(?i:aws|ssm)') || self.matches('^(arn:[^/]*/|/)?aws/service(/|$)')",
        "must not begin with aws or ssm, which Parameter Store keeps for itself; only /aws/service/... can be read \
         there, and never /aws/reference/...",
    )
}

/// Kubernetes' rule for keys of a Secret.
pub fn secret_key() -> Rule {
    rule(
        "self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')",
        "must be a key that Kubernetes allows in a Secret: letters, digits, '_', '-' and '.', and not '.' or '..' \
         at the start",
    )
}

/// What may stand in a key.
pub fn key_part() -> Rule {
    rule(
        "self.matches('^[-._a-zA-Z0-9]*$')",
        "must hold only what a Secret's key may: letters, digits, '_', '-' and '.'",
    )
}

/// Parameter Store's rule for labels of versions.
pub fn parameter_label() -> Rule {
    rule(
        "self.matches('^[a-zA-Z_.-][a-zA-Z0-9_.-]*$') && !self.matches('^(?i:aws|ssm)')",
        "must be a label that Parameter Store allows: letters, digits, '_', '.' and '-', not beginning with a digit, \
         aws or ssm",
    )
}

/// RFC 6901, section 3; the empty pointer means the whole value and is left out instead.
pub fn json_pointer() -> Rule {
    rule(
        "self.matches('^/([^~]|~[01])*$')",
        "must be an RFC 6901 pointer such as /cert: it begins with '/', and '~' is written ~0, '/' inside a name ~1",
    )
}

/// Kubernetes' form of a type; `resolve` knows which ones are listed. Two would hand out credentials to the cluster, and
/// no list allows them.
pub fn secret_type() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9][-A-Za-z0-9_./]*$') \
         && !(self in ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'])",
        "must be a type such as Opaque or kubernetes.io/tls, and never kubernetes.io/service-account-token or \
         bootstrap.kubernetes.io/token, which hand out credentials to the cluster",
    )
}

/// Keys of labels and annotations: what paramsync itself says on a Secret; `resolve` knows which other domains are
/// listed.
pub fn own_metadata() -> Rule {
    rule(
        "self.all(k, !k.matches('^([^/]*[.])?paramsync[.]dev/') && k != 'app.kubernetes.io/managed-by')",
        "must not hold app.kubernetes.io/managed-by, nor anything in the domain paramsync.dev or below it, which \
         paramsync sets itself",
    )
    .reason(Reason::FieldValueForbidden)
}

/// Helm takes a Secret with this label for a release.
pub fn helm_label() -> Rule {
    rule(
        "!('owner' in self) || self['owner'] != 'helm'",
        "must not hold owner: helm, by which Helm finds its releases: give another name or value",
    )
    .reason(Reason::FieldValueForbidden)
}

/// Kubernetes' rule for keys of labels and annotations.
pub fn qualified_names() -> Rule {
    rule(
        "self.all(k, k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
        "must have keys such as team or example.com/team: a name of at most 63 letters, digits, '-', '_' and '.', after \
         an optional lower-case domain",
    )
}

/// Keys of templates become keys of the Secret.
pub fn template_keys() -> Rule {
    rule(
        "self.all(k, k.matches('^[-._a-zA-Z0-9]{1,253}$') && k != '.' && !k.startsWith('..'))",
        "must have keys that Kubernetes allows in a Secret: at most 253 letters, digits, '_', '-' and '.', and not '.' \
         or '..' at the start",
    )
}

/// Without templates nothing would be left.
pub fn templates_only() -> Rule {
    rule(
        "!has(self.templatesOnly) || !self.templatesOnly || (has(self.templates) && self.templates.size() > 0)",
        "templatesOnly needs templates: without them the Secret would be empty",
    )
}

// ParameterStore and ClusterParameterStore

/// The shape of AWS's region names.
pub fn region() -> Rule {
    rule(
        "self.matches('^[a-z]{2,6}(-[a-z]+){1,3}-[0-9]{1,2}$')",
        "must be an AWS region such as ap-northeast-1",
    )
}

/// A plain base URL: no user, no query, no fragment.
pub fn endpoint() -> Rule {
    rule(
        r"self.matches('^https?://([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?(/[-A-Za-z0-9_.~/]*)?$')",
        "must be a URL such as https://ssm.eu-west-1.amazonaws.com, without user, query or fragment",
    )
}

/// Values must not cross a network in the clear.
pub fn plain_http() -> Rule {
    rule(
        r"!self.startsWith('http:') || self.matches('^http://(127[.]0[.]0[.]1|\\[::1\\]|localhost)(:[0-9]{1,5})?(/.*)?$')",
        "must be https, unless it goes to this machine: 127.0.0.1, [::1] or localhost",
    )
}

/// A tenant's store must not borrow the operator's identity.
pub fn own_credentials() -> Rule {
    rule(
        "has(self.auth) && has(self.auth.secretRef)",
        "a ParameterStore brings its own credentials: set auth.secretRef (auth.roleARN alone would borrow the \
         operator's identity)",
    )
}

/// A tenant's store reads a Secret of its own namespace.
pub fn no_secret_namespace() -> Rule {
    rule(
        "!has(self.auth) || !has(self.auth.secretRef) || !has(self.auth.secretRef.__namespace__)",
        "auth.secretRef.namespace is for ClusterParameterStores: leave it out, the Secret is in the store's own namespace",
    )
}

/// A cluster store has no namespace of its own.
pub fn secret_namespace() -> Rule {
    rule(
        "!has(self.auth) || !has(self.auth.secretRef) || has(self.auth.secretRef.__namespace__)",
        "auth.secretRef.namespace is required: a ClusterParameterStore has no namespace of its own",
    )
}

/// An external id is part of assuming a role.
pub fn external_id_needs_role() -> Rule {
    rule(
        "!has(self.externalID) || has(self.roleARN)",
        "externalID needs roleARN",
    )
}

/// The shape of a role's ARN.
pub fn role_arn() -> Rule {
    rule(
        "self.matches('^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$')",
        "must be the ARN of an IAM role, such as arn:aws:iam::111122223333:role/reader",
    )
}

/// STS's rule for external ids.
pub fn external_id() -> Rule {
    rule(
        "self.matches('^[A-Za-z0-9_+=,.@:/-]+$')",
        "must hold only letters, digits and _+=,.@:/-",
    )
}

/// A DNS label.
pub fn namespace_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "must be a namespace's name: lower-case letters, digits and '-', with a letter or digit at both ends",
    )
}

/// An entry that allows nothing is a mistake.
pub fn access_names_something() -> Rule {
    rule(
        "(has(self.prefixes) && self.prefixes.size() > 0) || (has(self.arns) && self.arns.size() > 0)",
        "give prefixes or arns: this entry allows nothing",
    )
}

/// What the API server asks of its own selectors.
pub fn selector_values() -> Rule {
    rule(
        "!has(self.matchExpressions) || self.matchExpressions.all(e, \
         (e.operator in ['In', 'NotIn']) == (has(e.values) && e.values.size() > 0))",
        "In and NotIn need values; Exists and DoesNotExist have none",
    )
}

/// Absolute, without tricks, with the namespace's name as the only variable.
pub fn prefixes() -> Rule {
    rule(
        "self.all(p, p.matches('^/(([a-zA-Z0-9_.-]|[{]namespace[}])+/?)*$') && !p.matches('/[.][.]?(/|$)'))",
        "must be prefixes such as /shared/ or /{namespace}/: they begin with '/', without empty segments, '.' or '..'",
    )
}

/// Full ARNs, one by one.
pub fn parameter_arns() -> Rule {
    rule(
        "self.all(a, a.matches('^arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter(/[a-zA-Z0-9_.-]+)+$') \
         && !a.matches('/[.][.]?(/|$)'))",
        "must be full ARNs such as arn:aws:ssm:REGION:ACCOUNT:parameter/shared/CA",
    )
}

/// What may stand in a list of types: `*` stands for any run of characters but `/`.
pub fn secret_types() -> Rule {
    rule(
        "self.all(t, t.matches('^[A-Za-z0-9*][-A-Za-z0-9_./*]*$'))",
        "must be types of Secrets such as example.com/licence or example.com/*",
    )
}

/// What may stand in a list of domains: `*` stands for any run of characters.
pub fn metadata_domains() -> Rule {
    rule(
        "self.all(d, d.matches('^[a-z0-9*]([-a-z0-9.*]*[a-z0-9*])?$'))",
        "must be domains such as example.com or *.example.com, in lower case and without what stands behind the '/'",
    )
}

/// One engine speaks to one region.
pub fn arns_in_region() -> Rule {
    rule(
        "self.access.all(r, !has(r.arns) || r.arns.all(a, a.contains(':ssm:' + self.region + ':')))",
        "access.arns must be in the store's own region",
    )
}
