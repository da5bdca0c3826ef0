//! The API held to its OpenAPI document by schemathesis: requests made up from the document, good ones and bad ones and
//! chains of them, and every answer checked against it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    access::create,
    program::{Server, text},
};

/// A program of the Python packages that tests use.
fn python_program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin").join(name);
    assert!(program.exists(), "{name} is not installed: run scripts/test_tools.sh");
    program
}

fn schemathesis(server: &Server, key: Option<&str>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/conformance");
    let mut command = Command::new(python_program("schemathesis"));
    command.current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
    command.args(["--config-file", "schemathesis.toml", "run"]).arg(format!("{}/openapi.json", server.url));
    if let Some(key) = key {
        command.arg("--header").arg(format!("Authorization: Bearer {key}"));
    }
    let output = command.output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}")), "the phase {phase} was not run");
    }
}

#[test]
fn without_keys_all_answers_are_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    schemathesis(&Server::start(folder.path(), &[]), None);
}

#[test]
fn with_keys_all_answers_are_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let key = create(&folder.path().join("keys.json"), &["--name", "schemathesis", "--scopes", "admin"]);
    schemathesis(&Server::start(folder.path(), &[]), Some(&key));
}

#[test]
fn the_document_is_one_of_openapi_3_1() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/openapi.json");
    let output = Command::new(python_program("openapi-spec-validator")).arg(document).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
