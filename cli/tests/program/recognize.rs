//! `byecaptcha recognize`.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::Value;

use crate::program::{blank, byecaptcha, fixture, pictures, readings, run, text};

#[test]
fn it_reads_what_the_pictures_show() {
    let pictures = pictures();
    let right = readings(&pictures)
        .iter()
        .zip(&pictures)
        .filter(|(text, path)| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split_once("_num").unwrap().0.eq_ignore_ascii_case(text)
        })
        .count();
    assert!(right >= 8, "{right} of {}", pictures.len());
}

#[test]
fn a_picture_with_nothing_in_it_has_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("white.png");
    blank(&picture);
    let output = run(["recognize".as_ref(), picture.as_os_str()]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), "\n"));
}

#[test]
fn one_input_gives_its_text_alone_from_a_file_or_standard_input() {
    let picture = &pictures()[0];
    let expected = format!("{}\n", readings(&[picture.clone(), picture.clone()])[0]);
    let from_file = run(["recognize".as_ref(), picture.as_os_str()]);
    assert_eq!((from_file.status.code(), text(&from_file.stdout)), (Some(0), expected.clone()));
    assert_eq!(text(&from_file.stderr), "");
    let from_stdin =
        byecaptcha().args(["recognize", "-"]).stdin(File::open(picture).unwrap()).output().unwrap();
    assert_eq!((from_stdin.status.code(), text(&from_stdin.stdout)), (Some(0), expected));
}

#[test]
fn a_reading_that_is_less_sure_than_asked_for_is_none() {
    let picture = pictures()[0].to_str().unwrap().to_owned();
    let with = |least: &str| run(["recognize", "--format", "csv", "--min-confidence", least, &picture]);
    let (any, certain) = (with("0"), with("1"));
    assert_eq!((any.status.code(), certain.status.code()), (Some(0), Some(1)));
    assert!(
        !text(&any.stdout).contains("low-confidence")
            && text(&certain.stdout).contains(",,,\"low-confidence: ")
    );
    // The model that ships recommends one, whether or not this picture is that clear.
    assert!(!text(&with("recommended").stderr).contains("recommends none"));
    assert_eq!(with("1.5").status.code(), Some(2));
}

#[test]
fn a_broken_file_fails_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let nested = folder.path().join("a/b");
    fs::create_dir_all(&nested).unwrap();
    let picture = &pictures()[0];
    let whole = fs::read(picture).unwrap();
    fs::copy(picture, nested.join("1.jpg")).unwrap();
    fs::write(folder.path().join("a/c.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::copy(picture, folder.path().join("z.JPG")).unwrap();
    fs::write(folder.path().join("notes.txt"), "not a picture, and not tried").unwrap();
    let root = folder.path().to_str().unwrap();
    let missing = format!("{root}/missing.png");
    let expected = readings(&[picture.clone(), picture.clone()])[0].clone();

    let output = run(["recognize", root, &missing]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), format!("{root}/a/b/1.jpg\t{expected}\n{root}/z.JPG\t{expected}\n"));
    let errors = text(&output.stderr);
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].contains("a/c.jpg") && lines[1].contains("missing.png"), "{errors}");

    let output = run(["recognize", "--format", "jsonl", "--batch", "2", root, &missing]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for reading in [&lines[0], &lines[2]] {
        assert_eq!(reading["text"], expected.as_str());
        let characters = reading["characters"].as_array().unwrap();
        let spelled: String = characters.iter().map(|each| each["character"].as_str().unwrap()).collect();
        assert_eq!(spelled, expected);
        let confidences = characters.iter().map(|each| &each["confidence"]).chain([&reading["confidence"]]);
        assert!(confidences.map(|value| value.as_f64().unwrap()).all(|value| (0.0..=1.0).contains(&value)));
        assert!(reading["alternatives"].is_array() && reading.get("error").is_none());
    }
    assert_eq!(lines[1]["error"]["kind"], "image-truncated");
    assert_eq!(lines[1]["file"], format!("{root}/a/c.jpg"));
    assert_eq!(lines[3]["error"]["kind"], "unreadable-file");

    let output = run(["recognize", "--format", "csv", root, &missing]);
    assert_eq!(output.status.code(), Some(1));
    let mut table = csv::Reader::from_reader(output.stdout.as_slice());
    assert_eq!(table.headers().unwrap(), ["file", "text", "confidence", "error"].as_slice());
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[0][1], &rows[0][3]), (expected.as_str(), ""));
    assert!(rows[0][2].parse::<f32>().unwrap() > 0.0);
    assert!(rows[1][3].starts_with("image-truncated: ") && rows[1][1].is_empty());
}

#[test]
fn the_size_of_batches_changes_no_text() {
    let folder = fixture("");
    let read =
        |batch: &str| run(["recognize".as_ref(), "--batch".as_ref(), batch.as_ref(), folder.as_os_str()]);
    let (single, full) = (read("1"), read("256"));
    assert!(single.status.success(), "{}", text(&single.stderr));
    assert_eq!(text(&single.stdout), text(&full.stdout));
    assert_eq!(
        text(&single.stdout).lines().count(),
        10 + fs::read_dir(folder.join("forms")).unwrap().count()
    );
}

#[test]
fn nothing_to_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(["recognize".as_ref(), folder.path().as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no pictures"), "{}", text(&output.stderr));

    let output = byecaptcha().args(["recognize", "-"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("empty"), "{}", text(&output.stderr));
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let mut child = byecaptcha()
        .args(["recognize", "--format", "jsonl"])
        // More than fits into a pipe, so that it must notice.
        .args(pictures().iter().cycle().take(400))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with('{'), "{line}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn a_model_that_cannot_be_loaded_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("own.onnx");
    let load = || {
        let output =
            byecaptcha().args(["recognize", "--model"]).arg(&model).arg(fixture("")).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(error.contains("--model") && error.contains("own."), "{error}");
        error
    };
    let error = load();
    assert!(error.contains("there is no such file, and what ships is general and lean"), "{error}");
    // Without its card, whose absence is said once, and then with one that is none.
    fs::write(&model, "no network").unwrap();
    let error = load();
    assert!(error.matches("os error").count() == 1, "{error}");
    fs::write(model.with_extension("json"), "{}").unwrap();
    load();
}

#[test]
fn each_command_that_reads_says_the_same_of_its_model() {
    let help = |command: &str| {
        let help = text(&run([command, "--help"]).stdout);
        let (_, model) = help.split_once("--model <").unwrap();
        let words = model.split("[env").next().unwrap();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(help("audit").contains("`general`, which is the default, or `lean`"), "{}", help("audit"));
    assert_eq!(help("audit"), help("recognize"));
    assert_eq!(help("audit"), help("serve"));
}
