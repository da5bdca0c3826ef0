//! Signals: the first drains, the second ends at once.

use std::{io::Write, net::TcpStream, path::Path, process::Stdio, time::Duration};

use tokio::time::sleep;

use crate::{
    program::{Server, exit, signal},
    scripted::Scripted,
    serve::{ended_after, now_ms, submit_many},
    submit::{folder_of, immediately, submit},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_server_drains_and_leaves_the_rest_for_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--batch", "1"]);
    let jobs = submit_many(&server, 100).await;
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(0));
    let stopped_at = now_ms();

    let server = Server::start(folder.path(), &[]);
    let after = ended_after(&server, &jobs, stopped_at).await;
    assert!(after > 0, "it stopped too late to show anything");
}

#[tokio::test]
async fn an_idle_server_stops_at_ctrl_c_and_frees_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut server = Server::start(folder.path(), &[]);
        server.signal("INT");
        assert_eq!(server.exit().code(), Some(0));
    }
    assert!(!folder.path().join("byecaptcha.db-wal").exists(), "the log is written back");
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--drain", "1h"]);
    // A request that never ends keeps the first from being enough.
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection
        .write_all(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        .unwrap();
    sleep(Duration::from_millis(300)).await;
    server.signal("INT");
    sleep(Duration::from_millis(300)).await;
    assert!(server.child.try_wait().unwrap().is_none(), "it waits for the request");
    server.signal("INT");
    assert_eq!(server.exit().code(), Some(130));
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_after_the_drain() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--drain", "500ms"]);
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection
        .write_all(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        .unwrap();
    sleep(Duration::from_millis(300)).await;
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_a_submission_of_which_nobody_takes_the_rows() {
    // Rows for more than a pipe holds.
    let folder = folder_of(900);
    let server = Scripted::start(immediately).await;
    let mut command = submit(folder.path(), &server.url, Path::new("-"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut sent = 0;
    while sent == 0 || server.posts().len() > sent {
        sent = server.posts().len();
        sleep(Duration::from_secs(1)).await;
    }
    assert!(sent < 900, "all rows were taken");
    for _ in 0..2 {
        signal(&child, "INT");
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(exit(&mut child).code(), Some(130));
}
