//! The program: what it writes and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

fn generate(out: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"))
        .arg("generate")
        .arg("--out")
        .arg(out)
        .args(arguments)
        .output()
        .unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file =
        |path: &Path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    entries.map(|path| file(&path)).collect()
}

#[test]
fn files_are_named_after_their_text_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    for out in [&first, &second] {
        let run = generate(out, &["--count", "30", "--seed", "1"]);
        assert!(run.status.success(), "{run:?}");
    }
    let written = files(&first);
    assert_eq!(written, files(&second));
    assert_eq!(written.len(), 30);
    let mut lengths = [0; 7];
    for (name, bytes) in &written {
        let (text, number) = name.strip_suffix(".jpg").unwrap().split_once("_num").unwrap();
        lengths[text.len()] += 1;
        assert!((1..=5).contains(&number.len()) && number.parse::<u32>().is_ok(), "{name}");
        let image = image::load_from_memory(bytes).unwrap();
        assert_eq!((image.width(), image.height()), (128, 48));
    }
    assert_eq!(lengths, [0, 0, 0, 0, 10, 10, 10]);
}

#[test]
fn every_flag_changes_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let flags = "--count 9 --preset default --width 90 --height 40 --font-size 24,30 --charset xyz --lengths 2 \
                 --resampling nearest --warp 0.7.1 --format jpeg";
    let run = generate(folder.path(), &flags.split_whitespace().collect::<Vec<_>>());
    assert!(run.status.success(), "{run:?}");
    for (name, bytes) in files(folder.path()) {
        let (text, _) = name.strip_suffix(".jpg").unwrap().split_once("_num").unwrap();
        assert!(text.len() == 2 && text.chars().all(|symbol| "xyz".contains(symbol)), "{name}");
        let image = image::load_from_memory(&bytes).unwrap();
        assert_eq!((image.width(), image.height()), (90, 40));
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let run = generate(folder.path(), &["--count", "3"]);
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("not empty"), "{run:?}");
    assert_eq!(files(folder.path()).len(), 1);
    assert!(generate(folder.path(), &["--count", "3", "--overwrite"]).status.success());
    assert_eq!(files(folder.path()).len(), 4);
    assert_eq!(files(folder.path())["mine.txt"], b"mine");
}

#[test]
fn bad_values_are_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (arguments, named) in [
        (&["--count", "0"][..], "count"),
        (&["--count", "4000000000"], "count"),
        (&["--count", "x"], "'x'"),
        (&["--count", "1", "--preset", "hkz"], "\"hkz\""),
        (&["--count", "1", "--width", "3"], "width 3"),
        (&["--count", "1", "--height", "99999"], "height 99999"),
        (&["--count", "1", "--font-size", "40,0"], "font size 0"),
        (&["--count", "1", "--lengths", "0"], "length 0"),
        (&["--count", "1", "--charset", "a\u{4e00}"], "'\u{4e00}'"),
        (&["--count", "1", "--charset", "a/b"], "'/'"),
        (&["--count", "1", "--resampling", "best"], "'best'"),
        (&["--count", "1", "--warp", "0.4"], "'0.4'"),
        (&["--count", "1", "--format", "gif"], "'gif'"),
        (&["--count", "200000", "--charset", "a", "--lengths", "1"], "\"a\""),
    ] {
        let run = generate(&out, arguments);
        let error = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && error.contains(named), "{arguments:?}: {error}");
        assert!(!out.exists() || files(&out).is_empty(), "{arguments:?}");
    }
}

#[test]
fn any_style_is_drawn_by_its_name_and_composed_ones_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sums");
    let run = generate(&out, &["--style", "sums", "--count", "12"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let names = files(&out);
    assert!(
        names.len() == 12 && names.iter().all(|name| name.0.contains(['+', '-', '×', '*', 'x'])),
        "{names:?}"
    );
    let run = generate(&folder.path().join("none"), &["--style", "sums", "--count", "1", "--width", "90"]);
    assert!(!run.status.success() && String::from_utf8_lossy(&run.stderr).contains("sums"));
}

#[test]
fn the_sheet_of_all_styles_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sheet.png");
    let run = Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"))
        .args(["preview", "--columns", "1", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(image::open(&out).unwrap().height() > 1_000);
}

#[test]
fn a_sheet_that_cannot_be_written_is_refused_before_it_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["sheet.txt", "sheet", "sheet.jpg", "."] {
        let run = Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"))
            .args(["preview", "hku", "--out", out])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && error.contains("the name of a .png file"), "{out}: {error}");
        assert!(files(folder.path()).is_empty(), "{out}");
    }
}

#[test]
fn whoever_has_seen_enough_may_leave_and_the_files_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, b"GIF89a");
    let line = format!("{{\"number\": 1, \"text\": \"a\", \"image\": \"{drawn}\"}}");
    std::fs::write(folder.path().join("lines"), line).unwrap();
    for (arguments, made) in [
        ("generate --count 3 --out drawn", "drawn"),
        ("convert drawn --out records", "records"),
        ("convert records --out back", "back"),
        ("preview hku --columns 1 --out sheet.png", "sheet.png"),
        ("feedback lines --out corrected", "corrected"),
        ("styles", "drawn"),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset"))
            .args(arguments.split(' '))
            .current_dir(folder.path())
            .stdout(writer)
            .output()
            .unwrap();
        assert!(run.status.success() && run.stderr.is_empty(), "{arguments}: {run:?}");
        assert!(folder.path().join(made).exists(), "{arguments}");
    }
}
