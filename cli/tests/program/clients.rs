//! The programs that docs/clients.md prints, taken out of it and run as they stand there.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    access::create,
    program::{Server, fixture, pictures, readings, text},
    scripted::{Act, Scripted, TEXT},
};

/// Language in the document, name of the file, and what runs it.
const CLIENTS: [(&str, &str, &str); 3] =
    [("sh", "read.sh", "sh"), ("python", "read.py", "python3"), ("javascript", "read.mjs", "node")];

/// The three programs in a folder.
fn programs() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/clients.md");
    let document = fs::read_to_string(document).unwrap();
    for (language, file, runner) in CLIENTS {
        let blocks: Vec<&str> = document.split(&format!("```{language}\n")).skip(1).collect();
        let [block] = blocks[..] else { panic!("one program in {language}, and not {}", blocks.len()) };
        fs::write(folder.path().join(file), block.split("```").next().unwrap()).unwrap();
        assert!(document.contains(&format!("`{runner} {file} picture.jpg`")), "{file}");
    }
    folder
}

/// Has each program read a picture.
fn run(server: &str, key: Option<&str>, picture: &Path) -> Vec<Output> {
    let folder = programs();
    let run = |(_, file, runner): (&str, &str, &str)| {
        let mut command = Command::new(runner);
        command.arg(folder.path().join(file)).arg(picture).env("BYECAPTCHA_SERVER", server);
        command.env_remove("BYECAPTCHA_API_KEY");
        if let Some(key) = key {
            command.env("BYECAPTCHA_API_KEY", key);
        }
        command.output().unwrap_or_else(|error| panic!("{runner}: {error}"))
    };
    CLIENTS.map(run).into()
}

fn assert_read(outputs: &[Output], expected: &str) {
    for (output, (_, file, _)) in outputs.iter().zip(CLIENTS) {
        assert!(output.status.success(), "{file}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), format!("{expected}\n"), "{file}");
    }
}

fn assert_failed(outputs: &[Output], expected: &str) {
    for (output, (_, file, _)) in outputs.iter().zip(CLIENTS) {
        assert!(!output.status.success(), "{file}");
        assert!(text(&output.stderr).contains(expected), "{file}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{file}");
    }
}

#[test]
fn all_read_a_picture_with_a_key_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = pictures();
    let (picture, expected) = (&pictures[0], &readings(&pictures)[0]);
    let server = Server::start(folder.path(), &[]);
    assert_read(&run(&server.url, None, picture), expected);
    let failed = run(&server.url, None, &fixture("../program/main.rs"));
    assert_failed(&failed, "The file is not a PNG, JPEG, GIF, WebP or BMP picture.");
    drop(server);

    // Slow enough for the second and the third to be told to wait.
    let key = create(&folder.path().join("keys.json"), &["--name", "clients", "--rate", "1/s"]);
    let server = Server::start(folder.path(), &[]);
    assert_read(&run(&server.url, Some(&key), picture), expected);
    assert_failed(&run(&server.url, None, picture), "This needs a valid API key");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_puts_off_is_sent_again_when_it_says_and_is_one_job() {
    let server = Scripted::start(|_, times| match times {
        1 => Act::Refuse(503, "queue-full", Some(1)),
        2 => Act::Refuse(429, "rate-limited", Some(2)),
        _ => Act::Accept { polls: 2 },
    })
    .await;
    let url = server.url.clone();
    let begun = Instant::now();
    let outputs = tokio::task::spawn_blocking(move || run(&url, None, &pictures()[0])).await.unwrap();
    assert_read(&outputs, TEXT);
    let keys = server.by_key();
    assert_eq!(keys.len(), 3, "each program has a key of its own");
    assert!(keys.values().all(|times| *times == 3), "{keys:?}");
    assert!(begun.elapsed() >= Duration::from_secs(9), "three seconds each: {:?}", begun.elapsed());
    assert!(server.polls() >= 9, "{}", server.polls());
    let picture = fs::read(&pictures()[0]).unwrap();
    assert!(server.posts().iter().all(|post| post.body == picture));
}
