//! `byecaptcha keys`, and a server that asks for them.

use std::{fs, fs::File, path::Path, process::Output, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::program::{Server, byecaptcha, pictures, text};

fn keys(file: &Path, arguments: &[&str]) -> Output {
    byecaptcha().arg("keys").args(arguments).arg("--keys").arg(file).output().unwrap()
}

/// Makes a key, which is all that standard output shows.
pub fn create(file: &Path, arguments: &[&str]) -> String {
    let output = keys(file, &[&["create"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let key = text(&output.stdout).strip_suffix('\n').unwrap().to_owned();
    assert!(key.starts_with("bc_") && !key.contains('\n'), "{key}");
    assert!(!text(&output.stderr).contains(secret(&key)));
    key
}

fn id(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

fn secret(key: &str) -> &str {
    key.splitn(3, '_').nth(2).unwrap()
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    assert_eq!(keys(&file, &["list"]).status.code(), Some(1), "there is none yet");
    let first = create(&file, &["--name", "CI of shop", "--rate", "5/s", "--burst", "20"]);
    let second = create(&file, &["--name", "boss", "--scopes", "admin"]);
    let stored = fs::read_to_string(&file).unwrap();
    for key in [&first, &second] {
        assert!(stored.contains(id(key)) && !stored.contains(secret(key)));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let revoked = keys(&file, &["revoke", id(&first)]);
    assert!(revoked.status.success() && text(&revoked.stderr).contains("CI of shop"));
    let list = text(&keys(&file, &["list"]).stdout);
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0][..4], [id(&first), "CI of shop", "submit,read", "5/s, 20 at once"]);
    assert_eq!(rows[1][..4], [id(&second), "boss", "admin", "-"]);
    assert!(rows[0][5].ends_with('Z') && rows[1][5] == "-", "{list}");
    assert!(!list.contains(secret(&first)) && !list.contains(secret(&second)));

    let cases: &[(&[&str], i32, &str)] = &[
        (&["revoke", "000000000000"], 1, "000000000000"),
        (&["revoke", "first"], 2, "<ID>"),
        (&["create"], 2, "--name"),
        (&["create", "--name", ""], 2, "--name"),
        (&["create", "--name", "a", "--scopes", "write"], 2, "--scopes"),
        (&["create", "--name", "a", "--rate", "5"], 2, "--rate"),
        (&["create", "--name", "a", "--burst", "5"], 2, "--rate"),
        (&["create", "--name", "a", "--rate", "5/s", "--burst", "4000000"], 2, "--burst"),
    ];
    for (arguments, status, named) in cases {
        let output = keys(&file, arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}: {error}");
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
    assert_eq!(text(&keys(&file, &["list"]).stdout), list, "what failed has changed nothing");
}

#[tokio::test]
async fn keys_beside_the_database_are_asked_for_until_they_are_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let output = byecaptcha().args(["keys", "create", "--name", "a", "--data", data]).output().unwrap();
    let key = text(&output.stdout).trim().to_owned();
    assert!(folder.path().join("keys.json").is_file());

    let mut command = byecaptcha();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", data]);
    let server = Server::from_command(command);
    let picture = fs::read(&pictures()[0]).unwrap();
    let submit = |key: Option<&str>| {
        let request = server.client.post(format!("{}/v1/jobs", server.url)).header("prefer", "wait=25");
        let request = key.iter().fold(request, |request, key| request.bearer_auth(key));
        request.body(picture.clone()).send()
    };
    assert_eq!(submit(None).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(submit(Some(&key)).await.unwrap().status(), StatusCode::OK);
    let output = byecaptcha().args(["keys", "revoke", id(&key), "--data", data]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(submit(Some(&key)).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn without_keys_that_can_be_read_nothing_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = |arguments: &[&str]| {
        let mut command = byecaptcha();
        command.args(["serve", "--listen", "0.0.0.0:0", "--data"]).arg(&data).args(arguments);
        command.output().unwrap()
    };
    let output = serve(&[]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("--allow-public") && error.contains("byecaptcha keys create"), "{error}");

    let damaged = folder.path().join("damaged.json");
    fs::write(&damaged, "{\"version\":1,\"keys\":[{}]}").unwrap();
    let missing = folder.path().join("missing.json");
    for file in [damaged, missing] {
        let output = serve(&["--keys", file.to_str().unwrap()]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("--keys") && error.contains(file.to_str().unwrap()), "{error}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_no_secret_in_any() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let key = create(&file, &["--name", "a"]);
    let wrong = format!("bc_{}_{}", id(&key), "x".repeat(43));
    let log = folder.path().join("log");
    let mut command = byecaptcha();
    // All there is to say.
    command.env("RUST_LOG", "trace").args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.arg("--data").arg(folder.path());
    let mut server = Server::logging_to(command, File::create(&log).unwrap().into());
    let jobs = format!("{}/v1/jobs", server.url);
    let picture = fs::read(&pictures()[0]).unwrap();
    for (number, key) in [(1, Some(&key)), (2, Some(&wrong)), (3, None)] {
        let request = server.client.post(format!("{jobs}?charset=private{number}")).body(picture.clone());
        let request = key.iter().fold(request, |request, key| request.bearer_auth(key));
        let request = key.iter().fold(request, |request, key| request.header("x-api-key", *key));
        request.header("x-request-id", format!("request-{number}")).send().await.unwrap();
    }
    let request = server.client.get(format!("{}/v1/private4", server.url)).bearer_auth(&key);
    request.header("x-request-id", "request-4").send().await.unwrap();
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let log = fs::read_to_string(&log).unwrap();
    for hidden in [secret(&key), secret(&wrong), "private"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| {
        let found: Vec<&Value> =
            lines.iter().filter(|line| line["target"] == "access" && line["request_id"] == id).collect();
        assert_eq!(found.len(), 1, "{id}");
        found[0].clone()
    };
    let expected = [
        ("request-1", "POST", "/v1/jobs", 202, Some(id(&key))),
        ("request-2", "POST", "/v1/jobs", 401, None),
        ("request-3", "POST", "/v1/jobs", 401, None),
        ("request-4", "GET", "/v1/{*rest}", 404, Some(id(&key))),
    ];
    for (request, method, route, status, key) in expected {
        let line = of(request);
        assert_eq!((&line["method"], &line["route"]), (&method.into(), &route.into()), "{line}");
        assert_eq!((line["status"].as_u64(), line["level"].as_str()), (Some(status), Some("INFO")));
        assert_eq!(line.get("key").and_then(Value::as_str), key, "{line}");
        assert!(line["milliseconds"].as_f64().is_some_and(|time| time >= 0.0));
    }
}
