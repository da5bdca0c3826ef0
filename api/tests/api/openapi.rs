//! The OpenAPI document: as it is checked in, of all routes, and with examples that are taken as they are.

use std::{fs, path::Path};

use byecaptcha_api::access::{Access, KeyFile};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::app::{Setup, TestApp, header};

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
/// Set, it has the test write the file in place of comparing it.
const RENEW: &str = "RENEW_OPENAPI";

async fn document(app: &TestApp) -> Value {
    let response = app.get("/openapi.json").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    response.json().await.unwrap()
}

/// Method and path of every operation, with what it is.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            (method.to_uppercase().parse().unwrap(), path.as_str(), operation)
        })
    });
    operations.collect()
}

#[tokio::test]
async fn what_is_checked_in_is_what_is_served() {
    let app = TestApp::start().await;
    let served = app.get("/openapi.json").send().await.unwrap().text().await.unwrap();
    if std::env::var_os(RENEW).is_some() {
        fs::write(CHECKED_IN, &served).unwrap();
    }
    let checked_in = fs::read_to_string(Path::new(CHECKED_IN)).unwrap();
    assert!(
        checked_in == served,
        "api/openapi.json is not what the code says. Where the change is meant, write it anew with \
         `{RENEW}=1 cargo test --release -p byecaptcha-api --test api openapi` and read what changed"
    );
    assert!(served.contains("\"openapi\": \"3.1.0\""));
}

#[tokio::test]
async fn every_operation_is_there_and_has_a_name_of_its_own() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut names = Vec::new();
    for (method, path, operation) in operations(&document) {
        for member in ["operationId", "summary", "tags", "responses"] {
            assert!(!operation[member].is_null(), "{member} of {method} {path}");
        }
        names.push(operation["operationId"].as_str().unwrap().to_owned());
        let filled = path.replace("{id}", "not-an-id").replace("{name}", "internal");
        let response =
            app.client.request(method.clone(), format!("{}{filled}", app.address)).send().await.unwrap();
        assert_ne!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        let status = response.status().as_u16().to_string();
        assert!(
            operation["responses"].get(&status).is_some(),
            "{method} {path} does not say that it answers {status}"
        );
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), operations(&document).len(), "{names:?}");
    let referred = document.to_string();
    let references = referred.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference} is referred to and not there");
    }
}

#[tokio::test]
async fn examples_are_taken_as_they_are() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut sent = 0;
    for (method, path, operation) in operations(&document) {
        let Some(example) = operation.pointer("/requestBody/content/application~1json/example") else {
            continue;
        };
        if path.contains("{id}") {
            // That one is of a job that has ended, which the feedback tests have.
            continue;
        }
        let request = app.client.request(method.clone(), format!("{}{path}", app.address)).json(example);
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let headers =
            parameters.filter(|parameter| parameter["in"] == "header" && parameter["name"] != "Prefer");
        let request = headers.fold(request, |request, parameter| {
            request.header(parameter["name"].as_str().unwrap(), parameter["example"].as_str().unwrap())
        });
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{method} {path}: {}", response.text().await.unwrap());
        sent += 1;
    }
    assert!(sent > 0);
}

#[tokio::test]
async fn a_key_is_no_option_where_there_are_keys() {
    let optional = document(&TestApp::start().await).await;
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let access = Access::default().with_keys_once_there(file.clone(), None).unwrap();
    let app = TestApp::with(Setup { access, ..Setup::default() }).await;
    assert_eq!(document(&app).await, optional);
    file.create("a", vec![], None).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let demanded = document(&app).await;
    for (document, optional) in [(optional, true), (demanded, false)] {
        for (method, path, operation) in operations(&document) {
            let Some(security) = operation["security"].as_array() else {
                assert!(!path.starts_with("/v1"), "{method} {path}");
                continue;
            };
            assert_eq!(security.contains(&serde_json::json!({})), optional, "{method} {path}");
            assert_eq!(security.len(), if optional { 3 } else { 2 });
        }
    }
}
