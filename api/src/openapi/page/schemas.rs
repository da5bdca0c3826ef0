//! Schemas on the page: in a few words where one is named, and with their members where one is explained.

use maud::{Markup, html};
use serde_json::Value;

use super::{list, members, text, words};

/// What a reference refers to; what is none is itself.
pub(super) fn target<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let path = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    path.and_then(|path| document.pointer(path)).unwrap_or(value)
}

/// A schema in a few words.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return html! { a href={ "#type-" (name) } { code { (name) } } };
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let items = list(&schema[choice]).iter().filter(|item| item["type"] != "null");
        let items: Vec<Markup> = items.map(kind).collect();
        if !items.is_empty() {
            let joint = if choice == "allOf" { " and " } else { " or " };
            return html! { @for (index, item) in items.iter().enumerate() { @if index > 0 { (joint) } (item) } };
        }
    }
    if schema["enum"].is_array() {
        return html! {
            @for (index, value) in list(&schema["enum"]).iter().enumerate() {
                @if index > 0 { ", " }
                @if value == "" { "blank" } @else { code { (value.as_str().map_or(value.to_string(), str::to_owned)) } }
            }
        };
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    let name = match (types, text(schema, "format"), text(schema, "contentEncoding")) {
        (_, "uuid", _) => "UUID",
        (_, "binary", _) => "file",
        (_, _, "base64") => "base64",
        (Some("array"), ..) => return html! { "list of " (kind(&schema["items"])) },
        (name, ..) => name.unwrap_or("anything"),
    };
    html! { (name) (bounds(schema, "minimum", "maximum", "")) (bounds(schema, "minLength", "maxLength", " characters")) }
}

fn bounds(schema: &Value, least: &str, most: &str, unit: &str) -> Markup {
    html! {
        @match (schema.get(least), schema.get(most)) {
            (Some(least), Some(most)) => { ", " (least) " to " (most) (unit) }
            (Some(least), None) => { ", from " (least) (unit) }
            (None, Some(most)) => { ", up to " (most) (unit) }
            (None, None) => {}
        }
    }
}

/// A table of an object's members; for other schemas, what they are.
pub(super) fn properties(document: &Value, schema: &Value) -> Markup {
    let parts: Vec<&Value> = match list(&schema["allOf"]) {
        [] => vec![schema],
        parts => parts.iter().map(|part| target(document, part)).collect(),
    };
    if parts.iter().all(|part| part["properties"].is_null()) {
        return html! { p { (kind(schema)) } };
    }
    html! {
        table {
            thead { tr { th scope="col" { "Member" } th scope="col" { "Form" } th scope="col" { "Meaning" } } }
            tbody {
                @for part in parts {
                    @for (name, member) in members(&part["properties"]) {
                        tr {
                            th scope="row" {
                                code { (name) }
                                @if !list(&part["required"]).contains(&Value::from(name)) { " " small { "optional" } }
                            }
                            td { (kind(member)) }
                            td { (words(text(member, "description"))) }
                        }
                    }
                }
            }
        }
    }
}
