//! TFRecord files: what is written is read back, here and by Python, and what is damaged is refused at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use byecaptcha_dataset::{
    Draw, Generator, Style,
    tfrecord::{Picture, Reader, RecordError, Writer},
};
use serde_json::{Value, json};

fn pictures() -> Vec<Picture> {
    let generator = Generator::new(Style::preset("hku").unwrap(), 3).unwrap();
    (0..3)
        .map(|index| {
            let (text, encoded, _) = generator.encoded(index);
            Picture { file_name: Some(format!("{text}_num{index}.jpg")), encoded, text }
        })
        .collect()
}

fn written(pictures: &[Picture]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    pictures.iter().for_each(|picture| writer.write(picture).unwrap());
    writer.finish().unwrap()
}

/// Where each record begins, and the end.
fn offsets(file: &[u8]) -> Vec<u64> {
    let mut offsets = vec![0];
    while let Some(head) = file.get(*offsets.last().unwrap() as usize..).filter(|rest| !rest.is_empty()) {
        let length = u64::from_le_bytes(head[..8].try_into().unwrap());
        offsets.push(offsets.last().unwrap() + length + 16);
    }
    offsets
}

fn read(file: &[u8]) -> Result<Vec<Picture>, RecordError> {
    Reader::new(file).collect()
}

#[test]
fn what_is_written_is_read() {
    let pictures = pictures();
    let file = written(&pictures);
    assert_eq!(read(&file).unwrap(), pictures);
    assert_eq!(read(&[]).unwrap(), []);
}

#[test]
fn a_changed_byte_is_refused_at_its_record_whichever_it_is() {
    let pictures = pictures();
    let file = written(&pictures);
    let offsets = offsets(&file);
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        let record = offsets.partition_point(|&offset| offset <= at as u64) - 1;
        let mut reader = Reader::new(damaged.as_slice());
        for picture in &pictures[..record] {
            assert_eq!(&reader.next().unwrap().unwrap(), picture);
        }
        let within = at as u64 - offsets[record];
        match reader.next().unwrap().unwrap_err() {
            RecordError::Checksum { offset, part } => {
                assert_eq!(
                    (offset, part),
                    (offsets[record], if within < 12 { "length" } else { "data" }),
                    "byte {at}"
                );
            }
            other => panic!("byte {at}: {other}"),
        }
        assert!(reader.next().is_none(), "nothing after an error");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_at_its_record() {
    let file = written(&pictures());
    let offsets = offsets(&file);
    for end in 1..file.len() {
        let record = offsets.partition_point(|&offset| offset < end as u64) - 1;
        match read(&file[..end]) {
            Ok(read) => assert_eq!((read.len(), offsets[record + 1]), (record + 1, end as u64)),
            Err(RecordError::Truncated { offset }) => assert_eq!(offset, offsets[record], "cut off at {end}"),
            Err(other) => panic!("cut off at {end}: {other}"),
        }
    }
}

/// A record whose checksums are right.
fn framed(data: &[u8], length: u64) -> Vec<u8> {
    let masked =
        |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    [&length.to_le_bytes()[..], &masked(&length.to_le_bytes()), data, &masked(data)].concat()
}

#[test]
fn whole_records_that_are_no_pictures_are_refused() {
    for length in [u64::MAX, 64 * 1024 * 1024 + 1] {
        assert!(matches!(read(&framed(b"", length)), Err(RecordError::TooLong { offset: 0, .. })));
    }
    for data in [&b""[..], b"\x0a\x00", b"\xff\xff\xff", b"not a message at all"] {
        let error = read(&framed(data, data.len() as u64)).unwrap_err();
        assert!(matches!(error, RecordError::NotAPicture { offset: 0, .. }), "{error}");
    }
}

fn dataset(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_byecaptcha-dataset")).arg("convert").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456")
}

#[test]
fn a_folder_goes_into_a_file_and_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (records, back) = (folder.path().join("train.tfrecords"), folder.path().join("back"));
    let out = Path::new("--out");
    let output = dataset(&[&fixtures(), out, &records]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(dataset(&[&records, out, &back]).status.success());
    let mut count = 0;
    for entry in fs::read_dir(fixtures()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(fs::read(entry.path()).unwrap(), fs::read(back.join(entry.file_name())).unwrap());
        count += 1;
    }
    assert_eq!((count, fs::read_dir(&back).unwrap().count()), (100, 100));

    assert!(said(&dataset(&[&fixtures(), out, &records])).contains("--overwrite replaces it"));
    assert!(said(&dataset(&[&records, out, &back])).contains("is not empty"));
    assert!(dataset(&[&fixtures(), out, &records, Path::new("--overwrite")]).status.success());
}

#[test]
fn file_names_cannot_lead_elsewhere_or_hide_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let (records, back) = (folder.path().join("evil"), folder.path().join("back"));
    let named = |name: &str| Picture { file_name: Some(name.to_owned()), ..pictures().remove(0) };
    for name in ["../out.jpg", "/tmp/out.jpg", "..", "", "a\\b.jpg", "c:d.jpg", "line\nfeed.jpg"] {
        fs::write(&records, written(&[named(name)])).unwrap();
        let output = dataset(&[&records, Path::new("--out"), &back]);
        assert!(!output.status.success() && said(&output).contains("leads out of the folder"), "{name:?}");
        assert_eq!(fs::read_dir(&back).unwrap().count(), 0);
    }
    let name = pictures().remove(0).text + "_num1.jpg";
    fs::write(&records, written(&[named(&name), named(&name.replace("jpg", "JPG"))])).unwrap();
    assert!(dataset(&[&records, Path::new("--out"), &back]).status.success());
    assert_eq!(fs::read_dir(&back).unwrap().count(), 2);
    fs::write(&records, [written(&pictures()), b"rest".to_vec()].concat()).unwrap();
    let output = dataset(&[&records, Path::new("--out"), &folder.path().join("third")]);
    assert!(said(&output).contains("ends within the record at byte"), "{}", said(&output));
}

#[test]
fn a_name_that_does_not_say_the_text_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (records, back) = (folder.path().join("foreign"), folder.path().join("back"));
    let picture = Picture { file_name: Some("00123.jpg".to_owned()), ..pictures().remove(0) };
    fs::write(&records, written(std::slice::from_ref(&picture))).unwrap();
    assert!(dataset(&[&records, Path::new("--out"), &back]).status.success());
    assert_eq!(fs::read(back.join(picture.text + "_num0.jpg")).unwrap(), picture.encoded);
}

fn python(arguments: &[&Path]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../.venv/bin/python");
    assert!(python.exists(), "Python's tfrecord is not installed: run scripts/test_tools.sh");
    let output =
        Command::new(python).arg(root.join("tests/tfrecord_reader.py")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn python_reads_what_is_written_here() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.tfrecords");
    let pictures = pictures();
    fs::write(&file, written(&pictures)).unwrap();
    let read = python(&[Path::new("read"), &file]);
    let examples: Vec<Value> = read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(examples.len(), pictures.len());
    let symbols: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    for (example, picture) in examples.iter().zip(&pictures) {
        let hex: String = picture.encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        let place = |symbol: char| symbols.iter().position(|&other| other == symbol).unwrap();
        let label: Vec<usize> = picture.text.chars().map(place).collect();
        assert_eq!(
            example,
            &json!({ "text": picture.text, "format": "jpeg", "filename": picture.file_name, "sides": [128, 48],
                     "label": label, "encoded": hex })
        );
    }
}

#[test]
fn what_python_wrote_is_read_here() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("python.tfrecords");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    python(&[Path::new("write"), &file, &paths[0], &paths[1]]);
    let read = read(&fs::read(&file).unwrap()).unwrap();
    let expected = paths[..2].iter().map(|path| Picture {
        encoded: fs::read(path).unwrap(),
        text: "fromPython".into(),
        file_name: None,
    });
    assert_eq!(read, expected.collect::<Vec<_>>());
    let back = folder.path().join("back");
    assert!(dataset(&[&file, Path::new("--out"), &back]).status.success());
    assert!(back.join("fromPython_num0.jpg").exists() && back.join("fromPython_num1.jpg").exists());
}
