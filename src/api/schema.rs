//! Parts of the schema that the derive cannot express: bounded maps, and Kubernetes' own types with bounds.

use schemars::{Schema, SchemaGenerator, json_schema};

/// Takes the description off an enum, which would otherwise hide that of the field.
pub fn undescribed(schema: &mut Schema) {
    schema.remove("description");
}

/// Labels of the Secret: Kubernetes' rule for values; keys are checked by CEL.
pub fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {
            "type": "string",
            "maxLength": 63,
            "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        },
    })
}

/// Annotations of the Secret. All annotations of an object have 256 KiB, of which provenance takes up to 192.
pub fn annotations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 1024},
    })
}

/// Templates by key.
pub fn templates(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 50,
        "additionalProperties": {"type": "string", "maxLength": 16384},
    })
}

/// `metav1.LabelSelector` with bounds. What the API server checks for its own kinds is checked here by pattern.
pub fn label_selector(_: &mut SchemaGenerator) -> Schema {
    let key = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
    let value = json_schema!({
        "type": "string",
        "maxLength": 63,
        "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
    });
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "description": "Labels that the namespace must have, each with this value. Default: none. Example: `{team: shop}`.",
                "type": "object",
                "maxProperties": 20,
                "additionalProperties": value,
            },
            "matchExpressions": {
                "description": "Conditions on labels that must all hold. Default: none. Example: `[{key: tier, operator: In, values: [prod]}]`.",
                "type": "array",
                "maxItems": 20,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "description": "The label's name. Example: `tier`.",
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 317,
                            "pattern": key,
                        },
                        "operator": {
                            "description": "How the label is compared. In, NotIn: with `values`. Exists, DoesNotExist: whether it is there at all. Example: `In`.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "What In and NotIn compare with; empty for Exists and DoesNotExist. Default: none. Example: `[prod]`.",
                            "type": "array",
                            "maxItems": 50,
                            "x-kubernetes-list-type": "atomic",
                            "items": value,
                        },
                    },
                },
            },
        },
    })
}

/// Keys of a Secret.
pub fn key_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 50,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 253},
    })
}

/// Names of labels or annotations.
pub fn metadata_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 32,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 317},
    })
}

/// The moments at which a calendar's state flips.
pub fn transitions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 32,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "format": "date-time"},
    })
}

/// `metav1.Condition`, one of each type, with the API machinery's own bounds.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {
                    "description": "What the condition speaks of. Example: `Ready`.",
                    "type": "string",
                    "maxLength": 316,
                    "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
                },
                "status": {
                    "description": "Whether it holds: True, False or Unknown. Example: `True`.",
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                },
                "reason": {
                    "description": "Why, as one word for programs. Example: `Synced`.",
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "message": {
                    "description": "Why, in words, and what to do. Never a value. Example: `12 keys from 12 parameters`.",
                    "type": "string",
                    "maxLength": 32768,
                },
                "lastTransitionTime": {
                    "description": "When the status changed last, RFC 3339. Example: `2026-11-23T10:00:00Z`.",
                    "type": "string",
                    "format": "date-time",
                },
                "observedGeneration": {
                    "description": "The generation of the spec that the condition speaks of. Example: `3`.",
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                },
            },
        },
    })
}
