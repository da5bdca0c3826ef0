//! `byecaptcha submit`, stopped in its middle in every way there is, and gone on with: one row for each picture, and no
//! job twice.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    program::{PATIENCE, Server, pictures, readings, text},
    scripted::{Act, Scripted},
    submit::{ends_with, folder_of, rows, submit},
};

const COUNT: usize = 120;

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < PATIENCE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.iter().filter(|&&byte| byte == b'\n').count())
}

fn signal(child: Child, name: &str) -> Output {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

/// Each of the files has one row, and it is the right one.
fn check(out: &Path, count: usize, texts: &[String]) {
    let found = rows(&fs::read(out).unwrap());
    let files: HashSet<&String> = found.iter().map(|row| &row[0]).collect();
    assert_eq!((found.len(), files.len()), (count, count));
    for (number, row) in found.iter().enumerate() {
        assert!(row[0].ends_with(&format!("{number:04}.jpg")), "{row:?}");
        assert_eq!((&row[1], row[3].as_str()), (&texts[number % texts.len()], "succeeded"));
    }
}

struct Place {
    folder: tempfile::TempDir,
    _results: tempfile::TempDir,
    out: PathBuf,
    journal: PathBuf,
}

impl Place {
    fn new() -> Self {
        let (folder, results) = (folder_of(COUNT), tempfile::tempdir().unwrap());
        let out = results.path().join("results.csv");
        let journal = results.path().join("results.csv.journal");
        Self { folder, _results: results, out, journal }
    }

    fn submit(&self, url: &str) -> Command {
        let mut command = submit(self.folder.path(), url, &self.out);
        command.args(["--in-flight", "4"]);
        command
    }
}

fn as_scripted() -> Vec<String> {
    vec![crate::scripted::TEXT.to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_it_and_the_same_command_goes_on() {
    let (data, place) = (tempfile::tempdir().unwrap(), Place::new());
    let server = Server::start(data.path(), &[]);
    let url = server.url.clone();
    let counting = Scripted::start(move |_, _| Act::Forward(url.clone())).await;
    for name in ["INT", "TERM"] {
        let child = start(&mut place.submit(&counting.url));
        let enough = lines(&place.out) + 20;
        until("a part of the table", || lines(&place.out) >= enough);
        let said = ends_with(130, &signal(child, name));
        assert!(said.contains("the same command goes on"), "{said}");
        assert!(lines(&place.out) < COUNT, "the signal came too late to show anything");
    }
    let output = place.submit(&counting.url).output().unwrap();
    let said = ends_with(0, &output);
    assert!(said.contains("120 pictures: 120 read, 0 failed"), "{said}");
    check(&place.out, COUNT, &readings(&pictures()));
    assert!(!place.journal.exists());
    let sent = counting.by_key();
    assert_eq!(sent.len(), COUNT);
    assert!(sent.values().all(|&times| times == 1), "each was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_overwrites_goes_on_without_overwriting_again() {
    let place = Place::new();
    fs::write(&place.out, "an earlier table\n").unwrap();
    let server = Scripted::start(|_, _| Act::Read(Duration::from_millis(40))).await;
    let child = start(place.submit(&server.url).arg("--overwrite"));
    until("a part of the table", || (15..=COUNT).contains(&lines(&place.out)));
    let said = ends_with(130, &signal(child, "INT"));
    assert!(said.contains("the same command without --overwrite goes on"), "{said}");
    let said = ends_with(0, &place.submit(&server.url).output().unwrap());
    assert!(said.contains("120 pictures: 120 read, 0 failed"), "{said}");
    check(&place.out, COUNT, &as_scripted());
    assert!(server.by_key().values().all(|&times| times == 1), "each was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_though_the_ends_of_its_files_are_torn() {
    let place = Place::new();
    let server = Scripted::start(|_, _| Act::Read(Duration::from_millis(40))).await;
    let mut good = 0;
    for kill in 0..3 {
        let child = start(&mut place.submit(&server.url));
        until("a part of the table", || (good + 15..=COUNT).contains(&lines(&place.out)));
        signal(child, "KILL");
        good = lines(&place.out);
        // What a crash in the middle of a write leaves: of the journal, of the table, of both.
        let torn = |path: &Path, end: &str| {
            OpenOptions::new().append(true).open(path).unwrap().write_all(end.as_bytes()).unwrap();
        };
        if kill != 0 {
            // Longer than all that is still to be written over it.
            torn(&place.out, &"whole.jpg,aB,0.5,succeeded,,,019a\n".repeat(2000));
            torn(&place.out, "/pictures/half a r");
        }
        if kill != 1 {
            torn(&place.journal, r#"{"written":"5f3a"#);
        }
    }
    ends_with(0, &place.submit(&server.url).output().unwrap());
    check(&place.out, COUNT, &as_scripted());
    let sent = server.by_key();
    assert_eq!(sent.len(), COUNT);
    let twice = sent.values().filter(|&&times| times > 1).count();
    assert!(twice <= 3 * 4 && sent.values().all(|&times| times <= 4), "only what was in flight: {twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_jobs_are_asked_after_and_not_sent_again() {
    let place = Place::new();
    let server = Scripted::start(|_, _| Act::Accept { polls: u32::MAX }).await;
    let child = start(&mut place.submit(&server.url));
    until("four jobs, noted", || lines(&place.journal) == 5);
    until("a question", || server.polls() > 4);
    ends_with(130, &signal(child, "INT"));
    assert_eq!(server.posts().len(), 4);

    server.end_all();
    server.set_script(|_, _| Act::Read(Duration::ZERO));
    ends_with(0, &place.submit(&server.url).output().unwrap());
    check(&place.out, COUNT, &as_scripted());
    assert!(server.by_key().values().all(|&times| times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_row_is_written_again() {
    let place = Place::new();
    let server = Scripted::start(|_, _| Act::Read(Duration::from_millis(30))).await;
    let child = start(&mut place.submit(&server.url));
    until("a part of the table", || lines(&place.out) >= 20);
    signal(child, "KILL");
    // A machine that lost power may have kept the journal and lost the end of the table.
    let table = fs::read(&place.out).unwrap();
    fs::write(&place.out, &table[..table.len() * 2 / 3]).unwrap();
    let child = start(&mut place.submit(&server.url));
    until("a longer table", || lines(&place.out) >= 40);
    signal(child, "KILL");
    ends_with(0, &place.submit(&server.url).output().unwrap());
    check(&place.out, COUNT, &as_scripted());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_is_refused_in_words() {
    let place = Place::new();
    let server = Scripted::start(|_, _| Act::Read(Duration::from_millis(200))).await;
    let child = start(&mut place.submit(&server.url));
    until("a part of the table", || lines(&place.out) >= 10);
    let second = place.submit(&server.url).output().unwrap();
    assert!(ends_with(1, &second).contains("another byecaptcha submit is at work"));
    signal(child, "INT");
    let (table, journal) = (fs::read(&place.out).unwrap(), fs::read(&place.journal).unwrap());

    let elsewhere = Scripted::start(|_, _| Act::Read(Duration::ZERO)).await;
    let mut interactive = place.submit(&server.url);
    interactive.arg("--interactive");
    let mut as_json = place.submit(&server.url);
    as_json.args(["--format", "jsonl"]);
    let mut more = place.submit(&server.url);
    more.arg("more.png");
    for (mut command, word) in [
        (place.submit(&elsewhere.url), server.url.as_str()),
        (interactive, "--interactive"),
        (as_json, "--format"),
        (more, "its pictures are"),
    ] {
        let said = ends_with(1, &command.output().unwrap());
        assert!(said.contains(word) && said.contains("--overwrite"), "{said}");
    }
    assert_eq!(elsewhere.posts().len(), 0);
    assert_eq!(fs::read(&place.out).unwrap(), table);
    assert_eq!(fs::read(&place.journal).unwrap(), journal);

    // Someone has opened it in another program, and saved it.
    fs::write(&place.out, text(&table).replace(',', ";")).unwrap();
    let said = ends_with(1, &place.submit(&server.url).output().unwrap());
    assert!(said.contains("not as the run has left it"), "{said}");
    server.set_script(|_, _| Act::Read(Duration::ZERO));
    ends_with(0, &place.submit(&server.url).arg("--overwrite").output().unwrap());
    check(&place.out, COUNT, &as_scripted());
}
