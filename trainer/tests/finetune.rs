//! Fine-tuning from start to end on a few pictures and steps: what it writes can be read with, also what the model it
//! started from had no label for.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

use std::{path::Path, process::Command};

use byecaptcha_dataset::open;
use byecaptcha_models::Recognizer;

fn labelled(folder: &Path, style: &str, count: u64) {
    std::fs::create_dir_all(folder).unwrap();
    let style = open(style, 5).unwrap();
    for index in 0..count {
        let (text, file, extension) = style.encoded(index);
        std::fs::write(folder.join(format!("{text}_num{index}.{extension}")), file).unwrap();
    }
}

fn finetune(model: &str, labelled: &Path, out: &Path) -> (bool, String) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights").join(model);
    let run = Command::new(env!("CARGO_BIN_EXE_byecaptcha-trainer"))
        .args(["finetune", "--name", "mine", "--steps", "4", "--rehearse", "hku", "--model"])
        .arg(model)
        .arg("--labelled")
        .arg(labelled)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
}

#[test]
fn a_folder_of_labelled_pictures_becomes_a_model_with_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, out) = (folder.path().join("pictures"), folder.path().join("out"));
    labelled(&pictures, "sums", 60);
    let (ended, output) = finetune("lean.onnx", &pictures, &out);
    assert!(ended, "{output}");
    assert!(output.contains("40 pictures to learn from, 20 to measure on"), "{output}");
    assert!(output.contains("labelled, held out") && output.contains("fresh images of hku"), "{output}");
    let mut recognizer = Recognizer::load(&out.join("mine.onnx")).unwrap();
    let card = recognizer.card().clone();
    assert!(card.charset.encode("3+8=?").is_ok(), "{:?}", card.charset);
    assert_eq!(card.figures[0].images, 20);
    let before = card.figures.iter().find(|figures| figures.set == "fresh images of hku").unwrap();
    assert!(before.exact > 0.8, "four steps forget little: {before:?}");
    let picture = std::fs::read_dir(&pictures).unwrap().next().unwrap().unwrap().path();
    let prepared = recognizer.prepare(&std::fs::read(picture).unwrap()).unwrap();
    assert_eq!(recognizer.recognize(&[prepared]).unwrap().len(), 1);
}

#[test]
fn the_library_s_pictures_stay_with_the_special_model_unless_they_are_the_site_s_own() {
    let folder = tempfile::tempdir().unwrap();
    for (style, stay) in [("sums", true), ("hku", false)] {
        let (pictures, out) = (folder.path().join(style), folder.path().join(style).with_extension("out"));
        labelled(&pictures, style, 40);
        let (ended, output) = finetune("general.onnx", &pictures, &out);
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
    let (ended, output) = finetune("lean.onnx", folder.path(), &folder.path().join("out"));
    assert!(!ended && output.contains("12 labelled pictures are too few"), "{output}");
}
