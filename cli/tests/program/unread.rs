//! Standard output that nobody reads: what there was to do is done, and it ends quietly.

use std::{io, process::Command, time::Duration};

use crate::{
    access, audit,
    program::{byecaptcha, pictures, text},
    scripted::{Act, Scripted},
};

fn ends_quietly(command: &mut Command) {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{command:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_seen_enough_may_leave() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    access::create(&file, &["--name", "a"]);
    ends_quietly(byecaptcha().args(["keys", "list", "--keys"]).arg(&file));

    let page = folder.path().join("audit.html");
    ends_quietly(byecaptcha().args(["audit", "--out"]).arg(&page).arg(audit::right().path()));
    assert!(page.exists());

    let server = Scripted::start(|_, _| Act::Read(Duration::ZERO)).await;
    ends_quietly(byecaptcha().args(["bench", "--requests", "3", "--server", &server.url]));
    ends_quietly(byecaptcha().args(["submit", "--out", "-", "--server", &server.url]).args(pictures()));
}

#[test]
fn texts_go_on_where_nobody_hears_of_failures() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("0.png");
    std::fs::write(&broken, "no picture").unwrap();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = byecaptcha();
    command.arg("recognize").arg(broken).args(pictures());
    let output = command.stderr(writer).output().unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 10);
    assert_ne!(output.status.code(), Some(0), "one was not read");
}

#[test]
fn a_key_that_nobody_was_shown_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = byecaptcha();
    command.args(["keys", "create", "--name", "a", "--keys"]).arg(folder.path().join("keys.json"));
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("revoke it"), "{}", text(&output.stderr));
}
