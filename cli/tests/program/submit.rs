//! `byecaptcha submit`: what it sends, what it writes, and how it ends.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    program::{Server, blank, byecaptcha, pictures, readings, text},
    scripted::{Act, Post, Scripted, TEXT},
};

/// `byecaptcha submit INPUT --server URL --out OUT`, to be added to.
pub fn submit(input: impl AsRef<OsStr>, url: &str, out: &Path) -> Command {
    let mut command = byecaptcha();
    command.arg("submit").arg(input).args(["--server", url]).arg("--out").arg(out);
    command
}

/// The status and what was said, after a check that the one is this.
pub fn ends_with(status: i32, output: &Output) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// The rows of a CSV table, as their fields.
pub fn rows(table: &[u8]) -> Vec<Vec<String>> {
    let mut table = csv::Reader::from_reader(table);
    let header = ["file", "text", "confidence", "status", "error_kind", "error_detail", "job_id"];
    assert_eq!(table.headers().unwrap(), header.as_slice());
    let row = |row: csv::Result<csv::StringRecord>| row.unwrap().iter().map(str::to_owned).collect();
    let mut rows: Vec<Vec<String>> = table.records().map(row).collect();
    rows.sort();
    rows
}

/// So many pictures in a folder, over and over the ten, named by their numbers.
pub fn folder_of(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pictures = pictures();
    for number in 0..count {
        fs::copy(&pictures[number % 10], folder.path().join(format!("{number:04}.jpg"))).unwrap();
    }
    folder
}

/// The same command where no more files may be open, by the limit that a program may raise (`Sn`) or by the last word (`n`).
fn within(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -{limit}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_not_given_up_for_want_of_open_files() {
    let (folder, results) = (folder_of(200), tempfile::tempdir().unwrap());
    let out = results.path().join("results.csv");
    let server = Scripted::start(|_, _| Act::Read(Duration::from_millis(300))).await;
    let mut wide = submit(folder.path(), &server.url, &out);
    wide.args(["--in-flight", "200"]);
    let said = ends_with(1, &within("n 100", &wide).output().unwrap());
    assert!(said.contains("--in-flight 200") && said.contains("allows 100"), "{said}");
    assert!(!out.exists());
    // Where it may be raised, it is.
    let said = ends_with(0, &within("Sn 100", &wide).output().unwrap());
    assert!(said.contains("200 pictures: 200 read, 0 failed"), "{said}");
    let mut bench = byecaptcha();
    bench.args(["bench", "--clients", "200", "--server", &server.url]);
    let said = ends_with(1, &within("n 100", &bench).output().unwrap());
    assert!(said.contains("--clients 200"), "{said}");
}

pub fn immediately(_: &Post, _: usize) -> Act {
    Act::Read(Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_read_into_a_table_with_a_row_for_each_picture() {
    let (data, folder, results) = (tempfile::tempdir().unwrap(), folder_of(10), tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &[]);
    let out = results.path().join("results.csv");
    let said = ends_with(0, &submit(folder.path(), &server.url, &out).output().unwrap());
    assert!(said.contains("10 pictures: 10 read, 0 failed"), "{said}");
    let texts = readings(&pictures());
    let found = rows(&fs::read(&out).unwrap());
    assert_eq!(found.len(), 10);
    for (number, (row, expected)) in found.iter().zip(&texts).enumerate() {
        assert_eq!(row[0], folder.path().join(format!("{number:04}.jpg")).to_str().unwrap());
        assert_eq!((&row[1], row[3].as_str()), (expected, "succeeded"));
        assert!((0.0..=1.0).contains(&row[2].parse::<f32>().unwrap()) && row[4].is_empty());
        assert_eq!(row[6].len(), 36, "{row:?}");
    }
    assert!(!results.path().join("results.csv.journal").exists(), "nothing is left to go on with");

    let again = submit(folder.path(), &server.url, &out).output().unwrap();
    assert!(ends_with(1, &again).contains("--overwrite"));
    assert_eq!(rows(&fs::read(&out).unwrap()), found, "it is left as it was");
    let empty = tempfile::tempdir().unwrap();
    let nothing = submit(empty.path(), &server.url, &out).arg("--overwrite").output().unwrap();
    assert!(ends_with(1, &nothing).contains("no pictures were found"));
    assert_eq!(rows(&fs::read(&out).unwrap()), found, "nothing came in its place");
    let anew = submit(folder.path(), &server.url, &out).arg("--overwrite").output().unwrap();
    ends_with(0, &anew);
    assert_eq!(rows(&fs::read(&out).unwrap()).len(), 10);
    assert_eq!(fs::read_dir(results.path()).unwrap().count(), 1, "no journal, no earlier table");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_every_kind_have_rows_and_the_status_says_so() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &[]);
    let root = folder.path();
    fs::create_dir_all(root.join("in/deep")).unwrap();
    let whole = fs::read(&pictures()[0]).unwrap();
    fs::write(root.join("in/deep/1.jpg"), &whole).unwrap();
    fs::write(root.join("in/2.jpg"), &whole[..whole.len() * 6 / 10]).unwrap();
    fs::write(root.join("in/3.png"), "Dear Sir or Madam").unwrap();
    fs::write(root.join("in/notes.txt"), "not a picture, and not tried").unwrap();
    let out = root.join("results.jsonl");
    let output = submit(root.join("in"), &server.url, &out).arg(root.join("missing.gif")).output().unwrap();
    assert!(ends_with(3, &output).contains("4 pictures: 1 read, 3 failed"));
    let table = fs::read_to_string(&out).unwrap();
    let mut found: Vec<Value> = table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    found.sort_by_key(|row| row["file"].as_str().unwrap().to_owned());
    let told: Vec<[&str; 3]> = found
        .iter()
        .map(|row| {
            let file = row["file"].as_str().unwrap().strip_prefix(root.to_str().unwrap()).unwrap();
            [file, row["status"].as_str().unwrap(), row["error"]["kind"].as_str().unwrap_or_default()]
        })
        .collect();
    assert_eq!(
        told,
        [
            ["/in/2.jpg", "failed", "image-truncated"],
            ["/in/3.png", "refused", "unsupported-image"],
            ["/in/deep/1.jpg", "succeeded", ""],
            ["/missing.gif", "unreadable", "unreadable-file"],
        ]
    );
    let read = readings(&pictures()[..2]);
    assert_eq!(found[2]["text"], read[0].as_str());
    assert!(found[2].get("error").is_none() && found[0].get("text").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_on_standard_input_names_the_pictures_and_standard_output_takes_the_table() {
    let folder = folder_of(3);
    let server = Scripted::start(immediately).await;
    let name = |number: usize| folder.path().join(format!("{number:04}.jpg")).display().to_string();
    let mut command = submit("-", &server.url, Path::new("-"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let list = format!("{}\n{}\r\n\n{}\n", name(2), name(0), name(2));
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    ends_with(0, &output);
    let found = rows(&output.stdout);
    assert_eq!(found.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), [name(0), name(2)]);
    assert_eq!(server.posts().len(), 2, "named twice, it is sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_carry_what_the_server_needs() {
    let folder = folder_of(2);
    let server = Scripted::start(immediately).await;
    let key = folder.path().join("key");
    fs::write(&key, "from-a-file\n").unwrap();
    let send = |more: &[&str], environment: &str| {
        let mut command = submit(folder.path(), &server.url, Path::new("-"));
        command.args(more).env("BYECAPTCHA_API_KEY", environment);
        if environment.is_empty() {
            command.env_remove("BYECAPTCHA_API_KEY");
        }
        ends_with(0, &command.output().unwrap());
    };
    send(&[], "of-the-environment");
    send(&["--interactive", "--api-key-file", key.to_str().unwrap()], "");
    send(&[], "");
    let posts = server.posts();
    assert_eq!(posts.len(), 6);
    for post in &posts {
        assert_eq!(post.headers["prefer"], "wait=25");
        assert_eq!(post.headers["content-type"], "image/jpeg");
        assert!(post.headers["user-agent"].starts_with("byecaptcha/"));
        assert!(pictures()[..2].iter().any(|picture| fs::read(picture).unwrap() == post.body));
    }
    assert_eq!(server.by_key().len(), 6, "each run and each file has a key of its own");
    assert_eq!(posts[0].query, "queue=bulk");
    assert_eq!(posts[0].headers["authorization"], "Bearer of-the-environment");
    assert_eq!(posts[2].query, "");
    assert_eq!(posts[2].headers["authorization"], "Bearer from-a-file");
    assert!(!posts[4].headers.contains_key("authorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_puts_off_or_breaks_is_tried_again() {
    let folder = folder_of(6);
    let bodies: Vec<Vec<u8>> = pictures().iter().map(|picture| fs::read(picture).unwrap()).collect();
    let which = move |post: &Post| bodies.iter().position(|body| *body == post.body).unwrap();
    let number = which.clone();
    let server = Scripted::start(move |post, times| match (number(post), times) {
        (0, 1) => Act::Refuse(503, "queue-full", Some(1)),
        (1, 1) => Act::Refuse(429, "too-many-requests", Some(1)),
        (1, 2) => Act::Refuse(502, "bad-gateway", None),
        (2, 1 | 2) => Act::BreakOff,
        (3, 1) => Act::Refuse(500, "internal", None),
        // Taken and forgotten twice; the second time has a key of its own.
        (4, _) => Act::Forget,
        (5, _) => Act::Accept { polls: 2 },
        _ => Act::Read(Duration::ZERO),
    })
    .await;
    let since = Instant::now();
    let output = submit(folder.path(), &server.url, Path::new("-")).output().unwrap();
    assert!(since.elapsed() >= Duration::from_secs(1), "Retry-After is heeded");
    ends_with(3, &output);
    let found = rows(&output.stdout);
    assert_eq!(found.len(), 6);
    for (number, row) in found.iter().enumerate() {
        if number == 4 {
            assert_eq!((row[3].as_str(), row[4].as_str()), ("refused", "job-expired"));
        } else {
            assert_eq!((row[1].as_str(), row[3].as_str()), (TEXT, "succeeded"));
        }
    }
    let mut times = [0; 6];
    server.posts().iter().for_each(|post| times[which(post)] += 1);
    assert_eq!(times, [2, 3, 3, 2, 2, 1]);
    let sent = server.by_key();
    let anew: Vec<&String> = sent.keys().filter(|key| key.ends_with("-2")).collect();
    assert_eq!(anew.len(), 1);
    assert_eq!(sent[anew[0].trim_end_matches("-2")], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_job_is_gone_makes_way_for_the_next_and_not_for_ever() {
    let folder = folder_of(3);
    let bodies: Vec<Vec<u8>> = pictures().iter().map(|picture| fs::read(picture).unwrap()).collect();
    // A server remembers keys for longer than results: what a run was cut off at has a key already.
    let server = Scripted::start(move |post, _| match bodies.iter().position(|body| *body == post.body) {
        Some(0) if post.key().ends_with("-2") => Act::Read(Duration::ZERO),
        Some(1) if post.key().ends_with("-3") => Act::Read(Duration::ZERO),
        _ => Act::Refuse(410, "job-expired", None),
    })
    .await;
    let output = submit(folder.path(), &server.url, Path::new("-")).output().unwrap();
    ends_with(3, &output);
    let found = rows(&output.stdout);
    let told: Vec<(&str, &str)> = found.iter().map(|row| (row[3].as_str(), row[4].as_str())).collect();
    assert_eq!(told, [("succeeded", ""), ("succeeded", ""), ("refused", "job-expired")]);
    assert_eq!((server.posts().len(), server.by_key().len()), (8, 8), "no key is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_caller_is_told_at_once_and_nothing_stays_behind() {
    let folder = folder_of(40);
    let results = tempfile::tempdir().unwrap();
    let out = results.path().join("results.csv");
    for (status, kind) in [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not-found"),
        (407, "http-407"),
        (410, "gone"),
        (421, "host-not-allowed"),
    ] {
        let server = Scripted::start(move |_, _| Act::Refuse(status, kind, None)).await;
        let mut command = submit(folder.path(), &server.url, &out);
        let said = ends_with(1, &command.args(["--in-flight", "2", "--api-key", "s3cret"]).output().unwrap());
        assert!(said.contains(kind) && said.contains(&server.url), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
        assert_eq!(said.contains("--api-key-file"), matches!(status, 401 | 403), "{said}");
        assert!(server.posts().len() <= 4, "{}", server.posts().len());
        assert_eq!(fs::read_dir(results.path()).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_waited_for() {
    let folder = folder_of(2);
    let server = Scripted::start(immediately).await;
    let since = Instant::now();
    let encrypted = server.url.replace("http://", "https://");
    let said = ends_with(1, &submit(folder.path(), &encrypted, Path::new("-")).output().unwrap());
    // On a machine that trusts no certificates, that is said first.
    assert!(said.contains("corrupt message") || said.contains("trusts no certificates"), "{said}");
    assert!(since.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_and_the_run_can_be_gone_on_with() {
    let folder = folder_of(3);
    let results = tempfile::tempdir().unwrap();
    let out = results.path().join("results.csv");
    let server = Scripted::start(|_, _| Act::Refuse(503, "queue-full", Some(1))).await;
    let said =
        ends_with(1, &submit(folder.path(), &server.url, &out).args(["--patience", "2s"]).output().unwrap());
    assert!(said.contains("--patience 2s") && said.contains("queue-full"), "{said}");
    server.set_script(immediately);
    ends_with(0, &submit(folder.path(), &server.url, &out).output().unwrap());
    assert_eq!(rows(&fs::read(&out).unwrap()).len(), 3);

    let nobody = "http://127.0.0.1:9";
    let other = results.path().join("other.csv");
    let said =
        ends_with(1, &submit(folder.path(), nobody, &other).args(["--patience", "1s"]).output().unwrap());
    assert!(said.contains(nobody) && said.contains("refused"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_with_nothing_in_it_has_no_text() {
    let folder = tempfile::tempdir().unwrap();
    blank(&folder.path().join("white.png"));
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let output = submit(folder.path(), &server.url, Path::new("-")).output().unwrap();
    let said = ends_with(3, &output);
    let found = rows(&output.stdout);
    assert_eq!((found[0][1].as_str(), found[0][3].as_str()), ("", "succeeded"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_without_a_picture_to_send_is_no_lack_of_progress() {
    let folder = folder_of(2);
    let server = Scripted::start(|_, times| match times {
        1 => Act::Refuse(503, "queue-full", None),
        _ => Act::Read(Duration::ZERO),
    })
    .await;
    let mut command = submit("-", &server.url, Path::new("-"));
    command.args(["--patience", "2s"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut list = child.stdin.take().unwrap();
    for number in 0..2 {
        writeln!(list, "{}", folder.path().join(format!("{number:04}.jpg")).display()).unwrap();
        // Whoever names the pictures may take longer than a picture may.
        thread::sleep(Duration::from_secs(3 * (1 - number as u64)));
    }
    drop(list);
    let output = child.wait_with_output().unwrap();
    ends_with(0, &output);
    assert_eq!(rows(&output.stdout).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_the_server_breaks_at_does_not_hold_up_the_end() {
    let folder = folder_of(2);
    let first = fs::read(&pictures()[0]).unwrap();
    let server = Scripted::start(move |post, _| match post.body == first {
        true => Act::Refuse(500, "internal", None),
        false => Act::Read(Duration::ZERO),
    })
    .await;
    let output = submit(folder.path(), &server.url, Path::new("-")).output().unwrap();
    ends_with(3, &output);
    let found = rows(&output.stdout);
    assert_eq!((found[0][3].as_str(), found[0][4].as_str()), ("refused", "internal"));
    assert_eq!(found[1][3], "succeeded");
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["submit", "x"], "--out"),
        (&["submit", "--out", "x.csv"], "FILE|DIR|-"),
        (&["submit", "x", "--out", "x.table"], "--format"),
        (&["submit", "x", "--out", "x.csv", "--server", "127.0.0.1:8080"], "http://"),
        (&["submit", "x", "--out", ".", "--format", "csv"], "--out: . is a folder"),
        (&["submit", "-", "-", "--out", "x.csv"], "one standard input"),
        (&["submit", "x", "--out", "x.csv", "--in-flight", "0"], "--in-flight"),
    ];
    for (arguments, named) in cases {
        let said = ends_with(2, &byecaptcha().args(arguments).current_dir(folder.path()).output().unwrap());
        assert!(said.contains(named), "{said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nothing = submit(folder.path(), "http://127.0.0.1:9", &folder.path().join("x.csv")).output().unwrap();
    assert!(ends_with(1, &nothing).contains("no pictures"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
