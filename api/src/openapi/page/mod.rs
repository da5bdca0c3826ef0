//! The document as a page: HTML that is made once, when the server starts, and needs no script and no other host.

mod schemas;

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use self::schemas::{kind, properties, target};
use crate::problem;

pub(super) fn html(document: &OpenApi) -> String {
    // As what is served is made from it, too, and cannot fail.
    let document = serde_json::to_value(document).unwrap_or_default();
    let described = Described(&document);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "ByeCaptcha: the HTTP API" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                link rel="stylesheet" href="/docs.css";
            }
            body {
                header {
                    img class="logo" src="/favicon.svg" alt="" width="40" height="40";
                    div {
                        h1 { "The HTTP API of " a href="/" { "ByeCaptcha" } }
                        p class="tagline" {
                            "Version " (text(&document["info"], "version")) ", and the same as "
                            a href="/openapi.json" { "OpenAPI 3.1" } " for programs."
                        }
                    }
                }
                main {
                    p { (words(text(&document["info"], "description"))) }
                    @for (_, scheme) in members(&document["components"]["securitySchemes"]) {
                        p { (words(text(scheme, "description"))) }
                    }
                    (described.contents())
                    @for tag in list(&document["tags"]) { (described.group(tag)) }
                    (errors())
                    section {
                        h2 id="types" { "Types" }
                        @for (name, schema) in members(&document["components"]["schemas"]) {
                            h3 id={ "type-" (name) } { code { (name) } }
                            p { (words(text(schema, "description"))) }
                            (properties(&document, schema))
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The document as JSON.
struct Described<'a>(&'a Value);

/// One method at one path.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    described: &'a Value,
}

impl<'a> Described<'a> {
    /// Those of one group.
    fn operations(&self, tag: &str) -> Vec<Operation<'a>> {
        let mut operations = Vec::new();
        for (path, methods) in members(&self.0["paths"]) {
            let of_tag = members(methods).filter(|(_, described)| described["tags"][0] == tag);
            operations.extend(of_tag.map(|(method, described)| Operation { method, path, described }));
        }
        operations
    }

    fn contents(&self) -> Markup {
        html! {
            nav class="contents" aria-label="Contents" {
                @for tag in list(&self.0["tags"]) {
                    h2 { (text(tag, "name")) }
                    ul {
                        @for Operation { method, path, described } in self.operations(text(tag, "name")) {
                            li {
                                a href={ "#" (text(described, "operationId")) } { (text(described, "summary")) }
                                " " code { (method.to_uppercase()) " " (path) }
                            }
                        }
                    }
                }
                ul { li { a href="#errors" { "Errors" } } li { a href="#types" { "Types" } } }
            }
        }
    }

    fn group(&self, tag: &Value) -> Markup {
        html! {
            section {
                h2 { (text(tag, "name")) }
                p { (words(text(tag, "description"))) }
                @for operation in self.operations(text(tag, "name")) { (self.operation(&operation)) }
            }
        }
    }

    fn operation(&self, operation: &Operation<'_>) -> Markup {
        let Operation { method, path, described } = *operation;
        html! {
            article class="operation" {
                h3 id=(text(described, "operationId")) { (text(described, "summary")) }
                p class="address" { b { (method.to_uppercase()) } " " code { (path) } }
                p { (words(text(described, "description"))) }
                @if !list(&described["parameters"]).is_empty() { (self.parameters(described)) }
                @for (media_type, content) in members(&described["requestBody"]["content"]) {
                    (self.body(media_type, content))
                }
                (self.answers(described))
            }
        }
    }

    fn parameters(&self, described: &Value) -> Markup {
        html! {
            table {
                caption { "Parameters" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "In" } th scope="col" { "Form" }
                    th scope="col" { "Meaning" } } }
                tbody {
                    @for parameter in list(&described["parameters"]) {
                        @let schema = &parameter["schema"];
                        tr {
                            th scope="row" { code { (text(parameter, "name")) } }
                            td { (text(parameter, "in")) }
                            td { (kind(schema)) }
                            td { (words(text(parameter, "description"))) (words(text(schema, "description"))) }
                        }
                    }
                }
            }
        }
    }

    fn body(&self, media_type: &str, content: &Value) -> Markup {
        html! {
            h4 { "Body as " code { (media_type) } }
            @let schema = target(self.0, &content["schema"]);
            p { (kind(&content["schema"])) " " (words(text(schema, "description"))) }
            (example(content))
        }
    }

    fn answers(&self, described: &Value) -> Markup {
        html! {
            table {
                caption { "Answers" }
                thead { tr { th scope="col" { "Status" } th scope="col" { "Meaning" } th scope="col" { "Headers" } } }
                tbody {
                    @for (status, response) in members(&described["responses"]) {
                        @let response = target(self.0, response);
                        tr {
                            th scope="row" { (status) }
                            td {
                                (words(text(response, "description")))
                                @for (media_type, content) in members(&response["content"]) {
                                    br; code { (media_type) }
                                    @if content["schema"]["$ref"].is_string() { ", " (kind(&content["schema"])) }
                                    (example(content))
                                }
                            }
                            td {
                                @for (name, header) in members(&response["headers"]) {
                                    code title=(text(target(self.0, header), "description")) { (name) } " "
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn example(content: &Value) -> Markup {
    html! {
        @if let Some(example) = content.get("example") {
            details {
                summary { "Example" }
                pre tabindex="0" { code { (serde_json::to_string_pretty(example).unwrap_or_default()) } }
            }
        }
    }
}

/// All problem types, each with its status.
fn errors() -> Markup {
    html! {
        section {
            h2 id="errors" { "Errors" }
            p { "Every error is a " a href="#type-Problem" { code { "Problem" } } ", sent as "
                code { (problem::CONTENT_TYPE) } ". Its " code { "type" } " is one of these, and stays." }
            table {
                thead { tr { th scope="col" { "Type" } th scope="col" { "Status" } th scope="col" { "Meaning" } } }
                tbody {
                    @for kind in problem::ALL {
                        tr {
                            th scope="row" { a href=(kind.r#type()) { code { (kind.r#type()) } } }
                            td { (kind.status.as_u16()) }
                            td { (kind.title) ". " (kind.advice) }
                        }
                    }
                }
            }
        }
    }
}

/// A member that is a string; empty where there is none.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

/// Text in which backticks stand around code.
fn words(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
