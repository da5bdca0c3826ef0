//! `byecaptcha-dataset feedback`: whatever is said of a picture, it lies in the folder once, with the last text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_dataset::{Draw, Generator, Style};
use tempfile::TempDir;

/// A folder to gather into, and pictures.
struct Gathering {
    folder: TempDir,
    pictures: Vec<Vec<u8>>,
}

fn line(number: u64, text: &str, image: Option<&[u8]>) -> String {
    let image = image.map(|image| STANDARD.encode(image));
    serde_json::json!({ "number": number, "text": text, "read": "zz", "image": image }).to_string()
}

impl Gathering {
    fn new() -> Self {
        let style = Generator::new(Style::preset("hku").unwrap(), 1).unwrap();
        let pictures = (0..4).map(|index| style.encoded(index).1).collect();
        Self { folder: tempfile::tempdir().unwrap(), pictures }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn try_gather(&self, lines: &[String], more: &[&str]) -> Output {
        let file = self.folder.path().join("feedback.jsonl");
        fs::write(&file, lines.join("\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"));
        command.arg("feedback").arg(file).args(more).arg("--out").arg(self.out()).output().unwrap()
    }

    /// What standard output says.
    fn gather(&self, lines: &[String]) -> String {
        let output = self.try_gather(lines, &["--overwrite"]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn line(&self, number: u64, text: &str, picture: usize) -> String {
        line(number, text, Some(&self.pictures[picture]))
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        files(&self.out()).into_keys().collect()
    }

    fn list(&self) -> String {
        fs::read_to_string(self.out().join("labels.csv")).unwrap()
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn lines_with_pictures_become_files_named_after_their_texts() {
    let gathering = Gathering::new();
    let lines =
        [gathering.line(3, "aB1", 0), line(5, "none", None), gathering.line(9, "a+b=", 1), String::new()];
    let done = gathering.try_gather(&lines, &[]);
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.starts_with("2 new pictures") && said.contains("1 lines had none"), "{said}");
    let written = files(&gathering.out());
    assert_eq!(written.keys().collect::<Vec<_>>(), ["a+b=_num9.jpg", "aB1_num3.jpg"]);
    assert_eq!(written["aB1_num3.jpg"], gathering.pictures[0]);
    assert!(!gathering.try_gather(&lines, &[]).status.success(), "the folder is not empty");
}

#[test]
fn a_later_text_takes_the_place_of_an_earlier_one() {
    let gathering = Gathering::new();
    gathering.gather(&[gathering.line(1, "old", 0), gathering.line(2, "new", 0), gathering.line(3, "x", 1)]);
    assert_eq!(gathering.names(), ["new_num2.jpg", "x_num3.jpg"]);
    // Over two gatherings, whatever the numbers are.
    let said = gathering.gather(&[gathering.line(1, "newer", 0), gathering.line(3, "x", 1)]);
    assert_eq!(gathering.names(), ["newer_num1.jpg", "x_num3.jpg"]);
    assert!(
        said.contains("0 new") && said.contains("1 were there with another text, 1 with the same"),
        "{said}"
    );
    // Two files of one picture, as they were left by an earlier version.
    fs::write(gathering.out().join("older_num7.jpg"), &gathering.pictures[0]).unwrap();
    gathering.gather(&[gathering.line(8, "newest", 0)]);
    assert_eq!(gathering.names(), ["newest_num8.jpg", "x_num3.jpg"]);
}

#[test]
fn another_picture_of_the_same_name_and_number_is_kept() {
    let gathering = Gathering::new();
    gathering.gather(&[gathering.line(1, "same", 0)]);
    gathering.gather(&[gathering.line(1, "same", 1)]);
    let written = files(&gathering.out());
    assert_eq!(written["same_num1.jpg"], gathering.pictures[0]);
    assert_eq!(written["same_num2.jpg"], gathering.pictures[1]);
}

#[test]
fn texts_that_make_no_name_are_listed_with_all_others() {
    let gathering = Gathering::new();
    let long = "\u{4e00}".repeat(80);
    gathering.gather(&[gathering.line(1, "a b", 0)]);
    assert_eq!(gathering.names(), ["a b_num1.jpg"]);
    let texts =
        [gathering.line(2, "3*8=?", 1), gathering.line(3, "../x,\"y\"", 2), gathering.line(4, &long, 3)];
    let said = gathering.gather(&texts);
    assert!(said.starts_with("3 new") && said.contains("labels.csv"), "{said}");
    assert_eq!(gathering.names(), ["2.jpg", "3.jpg", "4.jpg", "a b_num1.jpg", "labels.csv"]);
    let list = format!("file,text\n2.jpg,3*8=?\n3.jpg,\"../x,\"\"y\"\"\"\n4.jpg,{long}\na b_num1.jpg,a b\n");
    assert_eq!(gathering.list(), list);
    // The list stays, and says the last of each.
    gathering.gather(&[gathering.line(9, "24", 1), gathering.line(10, "c/d", 0)]);
    let list = format!("file,text\n10.jpg,c/d\n24_num9.jpg,24\n3.jpg,\"../x,\"\"y\"\"\"\n4.jpg,{long}\n");
    assert_eq!(gathering.list(), list);
    assert_eq!(gathering.names(), ["10.jpg", "24_num9.jpg", "3.jpg", "4.jpg", "labels.csv"]);
    // What has no text in its name keeps it: stopped before its list is written, the folder is as it was.
    gathering.gather(&[gathering.line(11, "e/f", 0)]);
    assert_eq!(gathering.list(), list.replace("c/d", "e/f"));
}

#[test]
fn what_came_before_a_broken_line_is_there_with_its_list() {
    let gathering = Gathering::new();
    for (broken, reason) in [
        ("{\"number\": 1}", "line 2 is no feedback"),
        ("{\"number\": 1, \"text\": \"a\", \"image\": \"?\"}", "line 2 has a damaged picture"),
    ] {
        let done = gathering.try_gather(&[gathering.line(1, "?", 0), broken.to_owned()], &["--overwrite"]);
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && error.starts_with("byecaptcha-dataset: line 2"), "{error}");
        assert!(error.contains(reason), "{error}");
        assert_eq!(gathering.list(), "file,text\n1.jpg,?\n");
    }
}

#[test]
fn what_is_left_out_is_told() {
    let gathering = Gathering::new();
    let lines =
        [gathering.line(1, " \u{a0}", 0), line(2, "text", Some(b"no picture")), gathering.line(3, " a ", 1)];
    let done = gathering.try_gather(&lines, &[]);
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(error.contains("line 1 is left out") && error.contains("line 2 is left out"), "{error}");
    assert_eq!(gathering.names(), ["a_num3.jpg"]);
    let done = gathering.try_gather(&lines[..2], &["--overwrite"]);
    assert!(!done.status.success(), "nothing could be kept");
}

#[test]
fn a_list_of_somebody_else_s_is_not_lost() {
    let gathering = Gathering::new();
    fs::create_dir(gathering.out()).unwrap();
    let list = gathering.out().join("labels.csv");
    fs::write(&list, "file,text,guess\n1.jpg,,ab\n").unwrap();
    let done = gathering.try_gather(&[gathering.line(1, "a", 0)], &["--overwrite"]);
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && error.contains("more columns than file and text"), "{error}");
    // Nor are the files that it names in folders below, or texts that are not filled in.
    fs::create_dir(gathering.out().join("deep")).unwrap();
    fs::write(gathering.out().join("deep/b.jpg"), &gathering.pictures[1]).unwrap();
    fs::write(gathering.out().join("c.jpg"), &gathering.pictures[2]).unwrap();
    fs::write(&list, "text,file\nbb,./deep/b.jpg\n,c.jpg\n").unwrap();
    gathering.gather(&[gathering.line(1, "a", 0)]);
    assert_eq!(gathering.list(), "file,text\na_num1.jpg,a\nc.jpg,\ndeep/b.jpg,bb\n");
}
