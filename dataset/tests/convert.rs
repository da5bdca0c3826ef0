//! `byecaptcha-dataset convert`: which pictures of a folder it takes, and what is left where it cannot go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use byecaptcha_dataset::{Draw, Generator, Style};

fn pictures() -> Vec<Vec<u8>> {
    let style = Generator::new(Style::preset("hku").unwrap(), 1).unwrap();
    (0..3).map(|index| style.encoded(index).1).collect()
}

fn command(from: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"));
    command.arg("convert").arg(from).arg("--out").arg(out);
    command
}

fn convert(from: &Path, out: &Path) -> Output {
    command(from, out).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn folders_are_read_at_any_depth_and_no_picture_hides_another() {
    let folder = tempfile::tempdir().unwrap();
    let (from, records, back) =
        (folder.path().join("from"), folder.path().join("records"), folder.path().join("back"));
    fs::create_dir_all(from.join("b/deep")).unwrap();
    let pictures = pictures();
    for (name, picture) in ["a_num1.jpg", "b/A_num1.jpg", "b/deep/c_num2.jpg"].iter().zip(&pictures) {
        fs::write(from.join(name), picture).unwrap();
    }
    let done = convert(&from, &records);
    assert!(done.status.success(), "{}", said(&done));
    assert!(convert(&records, &back).status.success());
    assert_eq!(names(&back).len(), 3);
    assert_eq!(fs::read(back.join("a_num1.jpg")).unwrap(), pictures[0]);
    // On some systems it would have been the first one's file.
    assert_eq!(fs::read(back.join("A_num2.jpg")).unwrap(), pictures[1]);
    assert_eq!(fs::read(back.join("c_num2.jpg")).unwrap(), pictures[2]);
}

#[test]
fn a_list_says_the_texts_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (from, records, back) =
        (folder.path().join("from"), folder.path().join("records"), folder.path().join("back"));
    fs::create_dir(&from).unwrap();
    for (name, picture) in ["1.jpg", "x_num2.jpg", "3.jpg"].iter().zip(pictures()) {
        fs::write(from.join(name), picture).unwrap();
    }
    fs::write(from.join("labels.csv"), "file,text\n./1.jpg,aa\nx_num2.jpg,bb\n3.jpg,\n").unwrap();
    let done = convert(&from, &records);
    assert!(done.status.success() && said(&done).contains("left out 1 files"), "{}", said(&done));
    assert!(convert(&records, &back).status.success());
    assert_eq!(names(&back), ["aa_num0.jpg", "bb_num1.jpg"]);
    for (list, reason) in [
        ("file,text\ngone.jpg,aa\n", "gone.jpg, which is not there"),
        ("file,text\n../1.jpg,aa\n", "not in the folder"),
        ("1.jpg,aa\n", "names no column \"file\""),
    ] {
        fs::write(from.join("labels.csv"), list).unwrap();
        let refused = convert(&from, &folder.path().join("none"));
        assert!(!refused.status.success() && said(&refused).contains(reason), "{}", said(&refused));
    }
}

#[test]
fn what_fails_leaves_nothing_behind_and_what_was_there_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (from, records) = (folder.path().join("from"), folder.path().join("records"));
    fs::create_dir(&from).unwrap();
    fs::write(from.join("a_num1.jpg"), &pictures()[0]).unwrap();
    fs::write(from.join("b_num2.jpg"), "no picture").unwrap();
    fs::write(&records, "earlier").unwrap();
    let failed = command(&from, &records).arg("--overwrite").output().unwrap();
    assert!(
        !failed.status.success() && said(&failed).contains("b_num2.jpg is no picture"),
        "{}",
        said(&failed)
    );
    assert_eq!(names(folder.path()), ["from", "records"]);
    assert_eq!(fs::read(&records).unwrap(), b"earlier");
    let failed = command(&from, folder.path()).arg("--overwrite").output().unwrap();
    assert!(said(&failed).contains("is no file; --out must name one"), "{}", said(&failed));
}

#[cfg(unix)]
#[test]
fn what_is_interrupted_leaves_nothing_behind() {
    use std::{io::Read, process::Stdio};

    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let (records, partial) = (folder.path().join("records"), folder.path().join("records.partial"));
    // A pipe in the place of the file: it takes less than all, so the program is at work for as long as is needed.
    assert!(Command::new("mkfifo").arg(&partial).status().unwrap().success());
    let mut child = command(&from, &records).stderr(Stdio::null()).spawn().unwrap();
    let mut pipe = fs::File::open(&partial).unwrap();
    pipe.read_exact(&mut [0]).unwrap();
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(folder.path()), [""; 0]);
}
