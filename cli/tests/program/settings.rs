//! Settings that are wrong: named, before anything is opened.

use std::{fs, net::TcpListener};

use crate::program::{Server, byecaptcha, run, text};

#[test]
fn a_wrong_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("never");
    let cases: &[(&[&str], &str)] = &[
        (&["--listen", "nowhere"], "--listen"),
        (&["--listen", "127.0.0.1:70000"], "--listen"),
        (&["--batch", "0"], "--batch"),
        (&["--batch", "many"], "--batch"),
        (&["--queue-capacity", "0"], "--queue-capacity"),
        (&["--keep", "soon"], "--keep"),
        (&["--keep", "0s"], "--keep:"),
        (&["--keep-batches", "0s"], "--keep-batches:"),
        (&["--drain=-1s"], "--drain"),
        (&["--log-format", "xml"], "--log-format"),
        (&["--listen", "0.0.0.0:0"], "--allow-public"),
        (&["--default-rate", "fast"], "--default-rate"),
        (&["--allowed-hosts", "localhost:80"], "--allowed-hosts"),
        (&["--cors-origins", "example.org"], "--cors-origins"),
        (&["--port", "80"], "--port"),
    ];
    for (arguments, named) in cases {
        let output = byecaptcha().args(["serve", "--data"]).arg(&data).args(*arguments).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(named), "{arguments:?}: {error}");
        assert!(!data.exists(), "{arguments:?}");
    }
    let environment =
        [("BYECAPTCHA_BATCH", "x", "--batch"), ("BYECAPTCHA_ALLOW_PUBLIC", "perhaps", "--allow-public")];
    for (variable, value, named) in environment {
        let output = byecaptcha().env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
    assert_eq!(run(["recognize"]).status.code(), Some(2));
    assert_eq!(run(["--listen", "127.0.0.1:0"]).status.code(), Some(2), "flags of serve come after serve");
    assert_eq!(run(["--help"]).status.code(), Some(0));
}

#[test]
fn an_address_in_use_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output =
        byecaptcha().args(["serve", "--listen", &address, "--data"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains(&address) && error.contains("another program listens there"), "{error}");
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn data_in_use_or_of_another_kind_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), &[]);
    let serve = |data: &std::path::Path| {
        byecaptcha().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).output().unwrap()
    };
    let output = serve(folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("in use"), "{}", text(&output.stderr));

    let other = folder.path().join("letters.txt");
    fs::write(&other, "Dear Sir or Madam, ".repeat(100)).unwrap();
    let output = serve(&other);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("letters.txt"), "{}", text(&output.stderr));
    assert!(fs::read_to_string(&other).unwrap().starts_with("Dear"), "it is left as it was");
}
