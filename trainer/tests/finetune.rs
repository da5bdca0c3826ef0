//! Fine-tuning from start to end on a few pictures and steps: what it writes can be read with, also what the model it
//! started from had no label for.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use byecaptcha_dataset::open;
use byecaptcha_models::{Recognizer, load};

fn labelled(folder: &Path, style: &str, count: u64) {
    fs::create_dir_all(folder).unwrap();
    let style = open(style, 5).unwrap();
    for index in 0..count {
        let (text, file, extension) = style.encoded(index);
        fs::write(folder.join(format!("{text}_num{index}.{extension}")), file).unwrap();
    }
}

fn command(model: &str, labelled: &Path, out: &Path) -> Command {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights").join(model);
    let mut command = Command::new(env!("CARGO_BIN_EXE_byecaptcha-trainer"));
    command
        .args(["finetune", "--name", "mine", "--steps", "4", "--rehearse", "hku", "--model"])
        .arg(model)
        .arg("--labelled")
        .arg(labelled)
        .arg("--out")
        .arg(out);
    command
}

fn finetune(model: &str, labelled: &Path, out: &Path, more: &[&str]) -> (bool, String) {
    let run = command(model, labelled, out).args(more).output().unwrap();
    (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
}

#[test]
fn a_folder_of_labelled_pictures_becomes_a_model_with_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, out) = (folder.path().join("pictures"), folder.path().join("out"));
    labelled(&pictures, "sums", 60);
    let (ended, output) = finetune("lean.onnx", &pictures, &out, &[]);
    assert!(ended, "{output}");
    assert!(output.contains("40 pictures to learn from, 20 to measure on"), "{output}");
    assert!(output.contains("labelled, held out") && output.contains("fresh images of hku"), "{output}");
    let mut recognizer = Recognizer::load(&out.join("mine.onnx")).unwrap();
    let card = recognizer.card().clone();
    assert!(card.charset.encode("3+8=?").is_ok(), "{:?}", card.charset);
    assert_eq!(card.figures[0].images, 20);
    let words = ["20 pictures held out are too few, 200 are needed", "calibrate --model"];
    assert!(card.calibration.is_none() && words.iter().all(|words| output.contains(words)), "{output}");
    let given = "finetune --name mine --steps 4 --rehearse hku --model ";
    assert!(card.training.command.contains(given), "{}", card.training.command);
    let before = card.figures.iter().find(|figures| figures.set == "fresh images of hku").unwrap();
    assert!(before.exact > 0.8, "four steps forget little: {before:?}");
    let picture = fs::read_dir(&pictures).unwrap().next().unwrap().unwrap().path();
    let prepared = recognizer.prepare(&fs::read(picture).unwrap()).unwrap();
    assert_eq!(recognizer.recognize(&[prepared]).unwrap().len(), 1);
}

#[test]
fn the_library_s_pictures_stay_with_the_special_model_unless_they_are_the_site_s_own() {
    let folder = tempfile::tempdir().unwrap();
    for (style, stay) in [("sums", true), ("hku", false)] {
        let (pictures, out) = (folder.path().join(style), folder.path().join(style).with_extension("out"));
        labelled(&pictures, style, 40);
        let (ended, output) = finetune("general.onnx", &pictures, &out, &[]);
        assert!(ended, "{output}");
        let recognizer = Recognizer::load(&out.join("mine.onnx")).unwrap();
        assert_eq!(recognizer.card().special.is_some(), stay, "{style}");
        assert_eq!(out.join("lean.onnx").exists(), stay, "{style}");
    }
}

#[test]
fn too_few_pictures_are_refused_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    labelled(folder.path(), "sums", 12);
    let (ended, output) = finetune("lean.onnx", folder.path(), &folder.path().join("out"), &[]);
    assert!(!ended && output.contains("12 labelled pictures are too few"), "{output}");
}

#[test]
fn a_style_that_writes_what_the_model_does_not_know_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, out) = (folder.path().join("pictures"), folder.path().join("out"));
    labelled(&pictures, "hku", 40);
    let (ended, output) = finetune("lean.onnx", &pictures, &out, &["--rehearse", "composed"]);
    assert!(!ended && !out.exists(), "{output}");
    let words = ["--rehearse", "the style composed", "it writes"];
    assert!(words.iter().all(|words| output.contains(words)), "{output}");
}

#[test]
fn no_model_is_written_over_unless_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, out) = (folder.path().join("pictures"), folder.path().join("out"));
    labelled(&pictures, "sums", 40);
    fs::create_dir(&out).unwrap();
    for (name, others) in
        [("mine.json", "--name"), ("lean.safetensors", "which the Python library's pictures are handed to")]
    {
        fs::write(out.join(name), "another one").unwrap();
        let (ended, output) = finetune("general.onnx", &pictures, &out, &[]);
        assert!(!ended && output.contains(name) && output.contains(others), "{output}");
        assert!(output.contains("--overwrite"), "{output}");
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), "another one");
        fs::remove_file(out.join(name)).unwrap();
    }
    fs::write(out.join("mine.json"), "another one").unwrap();
    let (ended, output) = finetune("general.onnx", &pictures, &out, &["--overwrite"]);
    assert!(ended, "{output}");
    Recognizer::load(&out.join("mine.onnx")).unwrap();
}

#[test]
fn enough_pictures_give_a_threshold_also_where_nobody_listens() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, out) = (folder.path().join("pictures"), folder.path().join("out"));
    labelled(&pictures, "hku", 460);
    let mut child = command("lean.onnx", &pictures, &out)
        .args(["--held-out", "0.5", "--right-when-kept", "0.9"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let card = load::read_card(&out.join("mine.onnx")).unwrap();
    assert_eq!(card.figures.len(), 2);
    let calibration = card.calibration.unwrap();
    let measured = &calibration.held_out[0];
    assert_eq!((measured.set.as_str(), calibration.right_when_kept), ("labelled, held out", 0.9));
    assert!(calibration.abstain_below.is_some(), "{calibration:?}");
    let all = card.figures[0].images;
    assert_eq!(calibration.fitted_readings + measured.images, all, "each once, of what was held out");
    assert!(measured.right_of_kept.unwrap()[0] >= 0.9, "{measured:?}");
}
