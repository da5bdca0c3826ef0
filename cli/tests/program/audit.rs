//! `byecaptcha audit`, against figures that are counted by hand here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{byecaptcha, fixture, pictures, readings, run, text};

/// An audit of a folder, with its page and its figures.
struct Audited {
    output: Output,
    page: String,
    figures: Value,
}

fn audit(folder: &Path, more: &[&str]) -> Audited {
    let results = tempfile::tempdir().unwrap();
    let (page, json) = (results.path().join("audit.html"), results.path().join("audit.json"));
    let paths = [folder, "--out".as_ref(), page.as_path(), "--json".as_ref(), json.as_path()];
    let arguments =
        paths.into_iter().map(Path::as_os_str).chain(more.iter().map(|argument| argument.as_ref()));
    let output = run(["audit".as_ref()].into_iter().chain(arguments));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let figures = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    Audited { output, page: fs::read_to_string(page).unwrap(), figures }
}

/// A folder with one picture that is labelled right.
pub fn right() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let picture = &pictures()[0];
    let text = &readings(&[picture.clone(), picture.clone()])[0];
    fs::copy(picture, folder.path().join(format!("{text}_num1.jpg"))).unwrap();
    folder
}

fn count(figures: &Value, pointer: &str) -> u64 {
    figures.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {figures}"))
}

/// Six pictures with labels made of what is read in them, so that every figure follows whatever the model reads: one
/// that is right, one right but for case, one of which a character is missed, one with a character too much, one that
/// says something unknown, and one that is damaged. Two more have no label.
fn labelled_by_hand() -> (TempDir, PathBuf, [String; 5]) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("pictures");
    fs::create_dir_all(root.join("deep")).unwrap();
    let chosen: Vec<PathBuf> = pictures().into_iter().take(5).collect();
    let read = readings(&chosen);
    let other_case = |text: &str| -> String {
        let turn =
            |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(turn).collect()
    };
    let texts = [
        read[0].clone(),
        other_case(&read[1]),
        format!("{}Q", read[2]),
        read[3].chars().skip(1).collect(),
        format!("{}<0>", read[4]),
    ];
    assert_ne!(texts[1], read[1]);
    let names = ["a.jpg", "b.jpg", "c.jpg", "deep/d.jpg", "e.jpg"];
    let mut table = "file,text\n".to_owned();
    for ((picture, name), text) in chosen.iter().zip(names).zip(&texts) {
        fs::copy(picture, root.join(name)).unwrap();
        table += &format!("{name},{text}\n");
    }
    let whole = fs::read(&chosen[0]).unwrap();
    fs::write(root.join("damaged.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::copy(&chosen[0], root.join("no<row>.jpg")).unwrap();
    fs::copy(&chosen[0], root.join("blank.jpg")).unwrap();
    table += "damaged.jpg,AAAA\ngone.jpg,BBBB\nblank.jpg,\n";
    let labels = folder.path().join("labels.csv");
    fs::write(&labels, table).unwrap();
    (folder, labels, texts)
}

#[test]
fn every_figure_is_the_one_counted_by_hand() {
    let (folder, labels, texts) = labelled_by_hand();
    let root = folder.path().join("pictures");
    let Audited { output, figures, .. } = audit(&root, &["--labels", labels.to_str().unwrap()]);

    let pictures = &figures["pictures"];
    assert_eq!(
        ["found", "counted", "unreadable", "unlabelled", "with_unknown_characters", "wrong_length"]
            .map(|name| pictures[name].as_u64().unwrap()),
        [9, 5, 2, 2, 1, 3],
        "{pictures}"
    );
    assert_eq!(["/right/count", "/right/of"].map(|at| count(&figures["case_counted"], at)), [1, 5]);
    assert_eq!(["/right/count", "/right/of"].map(|at| count(&figures["ignoring_case"], at)), [2, 5]);
    assert_eq!(["/count", "/of"].map(|at| count(&figures["writable"], at)), [1, 4]);
    // The interval of Wilson for 1 of 5.
    let interval = ["low", "high"].map(|end| figures["case_counted"]["right"][end].as_f64().unwrap());
    assert!((interval[0] - 0.0362).abs() < 1e-3 && (interval[1] - 0.6245).abs() < 1e-3, "{interval:?}");

    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let turned = texts[1].chars().filter(char::is_ascii_alphabetic).count();
    // Besides the letters of the other case: Q was missed, one character added, and <, 0 and > missed.
    assert_eq!(count(&figures, "/case_counted/character_errors"), turned as u64 + 5);
    assert_eq!(count(&figures, "/ignoring_case/character_errors"), 5);
    assert_eq!(count(&figures, "/case_counted/characters"), characters as u64);
    let mistakes = figures["mistakes"].as_array().unwrap();
    let times = |truth: Value, reading: Value| {
        let found = mistakes.iter().find(|row| row["truth"] == truth && row["reading"] == reading);
        found.map_or(0, |row| row["times"].as_u64().unwrap())
    };
    assert_eq!(times("0".into(), Value::Null), 1);
    assert_eq!(times("<".into(), Value::Null), 1);
    assert_eq!(mistakes.iter().map(|row| row["times"].as_u64().unwrap()).sum::<u64>(), turned as u64 + 5);
    let added = mistakes.iter().filter(|row| row["truth"].is_null()).count();
    assert_eq!(added, 1, "{mistakes:?}");

    let by_length = figures["by_length"].as_array().unwrap();
    let of_length = |length: usize| texts.iter().filter(|text| text.chars().count() == length).count();
    for row in by_length {
        let length = row["length"].as_u64().unwrap() as usize;
        assert_eq!(row["of"].as_u64().unwrap(), of_length(length) as u64, "{row}");
    }
    assert_eq!(by_length.iter().map(|row| row["of"].as_u64().unwrap()).sum::<u64>(), 5);
    assert_eq!(count(&figures["thresholds"][0], "/sent"), 5);
    assert_eq!(count(&figures["thresholds"][0], "/right/count"), 1);
    let answers = figures["histogram"].as_array().unwrap().iter().map(|bar| bar["answers"].as_u64().unwrap());
    assert_eq!(answers.sum::<u64>(), 5);

    // 1 of 5 is at least 3.6%.
    assert_eq!(figures["verdict"]["standing"], "broken");
    assert_eq!(figures["verdict"]["least_rate_that_could_be_shown"], 0.6);
    let named = |list: &str| -> Vec<String> {
        let files = figures[list]["first"].as_array().unwrap().iter();
        let mut names: Vec<String> =
            files.map(|file| file["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(named("unreadable"), ["damaged.jpg", "gone.jpg"]);
    assert_eq!(named("unlabelled"), ["blank.jpg", "no<row>.jpg"]);
    assert_eq!(named("unknown_characters"), ["e.jpg"]);

    let errors = text(&output.stderr);
    assert_eq!(errors.lines().count(), 4, "each of those left out has its line: {errors}");
    assert!(errors.contains("damaged.jpg: the file ends before the picture does"), "{errors}");
    let summary = text(&output.stdout);
    for words in
        ["5 pictures", "2 cannot be read", "2 have no label", "20% (3.6% to 62.4%)", "40% (", "Broken"]
    {
        assert!(summary.contains(words), "{words} in {summary}");
    }
}

#[test]
fn without_case_the_verdict_is_of_what_is_right_without_case() {
    let (folder, labels, _) = labelled_by_hand();
    let labels = labels.to_str().unwrap();
    let Audited { figures, page, .. } =
        audit(&folder.path().join("pictures"), &["--labels", labels, "--ignore-case"]);
    assert_eq!(count(&figures["thresholds"][0], "/right/count"), 2);
    assert_eq!(count(&figures, "/case_counted/right/count"), 1);
    assert_eq!(figures["mistakes"].as_array().unwrap().len(), 5);
    assert!(page.contains("2 of 5 pictures were read right"));
}

#[test]
fn the_page_needs_nothing_but_itself_and_says_what_it_must() {
    let (folder, labels, _) = labelled_by_hand();
    let root = folder.path().join("pictures");
    let labels = labels.to_str().unwrap();
    let Audited { page, figures, .. } = audit(&root, &["--labels", labels, "--core-hour-price", "0.36"]);

    assert!(page.starts_with("<!DOCTYPE html>"));
    for foreign in ["http:", "https:", "<script", "<link", "<iframe", "@import", "javascript:", " onerror"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let addresses: Vec<&str> = page.split(" src=\"").skip(1).collect();
    assert_eq!(addresses.len(), 4 + 5, "the misread ones, and a sample of all");
    assert!(addresses.iter().all(|address| address.starts_with("data:image/jpeg;base64,")));
    let links: Vec<&str> = page.split("href=\"").skip(1).collect();
    assert!(!links.is_empty() && links.iter().all(|link| link.starts_with('#')));
    for link in links {
        let target = link[1..].split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
    assert_eq!(page.matches("url(").count(), page.matches("url(#hatched)").count());
    assert!(page.contains("prefers-color-scheme") || page.contains("color-scheme: light dark"));

    // What labels and names hold is text and no markup.
    assert!(page.contains("&lt;0&gt;") && !page.contains("<0>"));
    assert!(page.contains("no&lt;row&gt;.jpg") && !page.contains("no<row>.jpg"));

    let says = [
        "the file ends before the picture does",
        "3/5 = 60%",
        "fewer than 30,000 pictures",
        "people were not measured",
        "lower bound",
        "few hundred",
        "1 in 10,000",
        "less than 1%",
        "$0.36",
        "nothing (missed)",
        "nothing (added)",
    ];
    for words in says {
        assert!(page.contains(words), "{words}");
    }
    // A ten-thousandth of a dollar is a second of that core.
    let cost = |name: &str| figures["cost"][name].as_f64().unwrap();
    let each = cost("core_seconds_per_picture");
    assert!(each > 0.0 && each < 5.0, "{each}");
    assert!((cost("dollars_per_thousand") / (each * 1000.0 * 0.0001) - 1.0).abs() < 1e-9);
    assert!((cost("solved_per_dollar") * each * 0.0001 / 0.2 - 1.0).abs() < 1e-9);
}

#[test]
fn names_label_a_folder_and_the_number_of_shown_pictures_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let all = pictures();
    let read = readings(&all);
    for copy in 0..5 {
        for (picture, text) in all.iter().zip(&read) {
            // Each fifth copy is labelled wrongly.
            let text = if copy == 4 { format!("{text}x") } else { text.clone() };
            fs::copy(picture, folder.path().join(format!("{text}_num{copy}.jpg"))).unwrap();
        }
    }
    fs::copy(&all[0], folder.path().join("nameless.jpg")).unwrap();
    let Audited { figures, page, .. } = audit(folder.path(), &["--show", "6"]);
    assert_eq!(count(&figures, "/case_counted/right/count"), 40);
    assert_eq!(count(&figures, "/case_counted/right/of"), 50);
    assert_eq!(count(&figures, "/pictures/unlabelled"), 1);
    assert!(figures["cost"]["price_is_assumed"].as_bool().unwrap() && page.contains("is an assumption"));
    let shown = page.matches(" src=\"data:").count();
    assert!((4..=9).contains(&shown), "{shown}");
    assert_eq!(figures["thresholds"].as_array().unwrap().len(), 9);
    assert!(page.contains("<polyline"), "50 answers are enough for a curve");

    let none = audit(folder.path(), &["--show", "0", "--core-hour-price", "0.05"]);
    assert!(!none.figures["cost"]["price_is_assumed"].as_bool().unwrap(), "it was given");
    assert_eq!(none.page.matches(" src=\"data:").count(), 0);
}

#[cfg(unix)]
#[test]
fn a_table_may_name_files_as_they_were_named_to_recognize() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pictures")).unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::copy(&pictures()[0], folder.path().join("pictures/a.jpg")).unwrap();
    let whole = folder.path().join("pictures");
    std::os::unix::fs::symlink(&whole, folder.path().join("link")).unwrap();
    let whole = whole.to_str().unwrap();
    let forms = ["pictures", "./pictures", "././pictures/", whole, "other/../pictures", "link"];
    for named in forms {
        let table = byecaptcha()
            .args(["recognize", "--format", "csv", named])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(table.status.success(), "{}", text(&table.stderr));
        fs::write(folder.path().join("labels.csv"), table.stdout).unwrap();
        for audited in forms {
            let mut audit = byecaptcha();
            let audit = audit.args(["audit", audited, "--labels", "labels.csv", "--out", "page.html"]);
            let output = audit.current_dir(folder.path()).output().unwrap();
            let words = format!("{named} as {audited}: {}", text(&output.stderr));
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{words}");
            assert!(text(&output.stdout).starts_with("1 pictures"), "{words}");
        }
    }
}

#[test]
fn no_file_is_written_over_the_labels_or_another_result() {
    let folder = right();
    let labels = folder.path().join("labels.csv");
    fs::write(&labels, "file,text\n").unwrap();
    let root = folder.path().to_str().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let mut audit = byecaptcha();
        let output = audit.args(["audit", root]).args(arguments).current_dir(root).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    };
    let labels_as = labels.to_str().unwrap();
    refused(&["--labels", labels_as, "--out", "./labels.csv"], "--out: it is the same file as --labels");
    refused(&["--labels", labels_as, "--json", "labels.csv"], "--json: it is the same file as --labels");
    refused(&["--out", "page", "--json", "./page"], "--json: it is the same file as --out");
    assert_eq!(fs::read_to_string(&labels).unwrap(), "file,text\n");
}

#[test]
fn what_cannot_be_audited_is_said_in_clear_words() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let page = folder.path().join("page.html");
    let refused = |more: &[&str], status: i32, words: &[&str]| {
        let output = run([&["audit", "--out", page.to_str().unwrap()], more].concat());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{error}");
        words.iter().for_each(|words| assert!(error.contains(words), "{words} in {error}"));
        assert!(!page.exists());
    };
    refused(&[root], 1, &["no pictures were found"]);
    fs::copy(fixture("kuEr_num5412.jpg"), folder.path().join("kuEr.jpg")).unwrap();
    refused(&[root], 1, &["kuEr.jpg: its name has no _num", "1 without a label", "--labels"]);
    fs::write(folder.path().join("empty_num1.jpg"), "").unwrap();
    refused(&[root], 1, &["empty_num1.jpg: the file is empty", "1 that cannot be read"]);
    let labels = folder.path().join("labels.csv");
    fs::write(&labels, "name;label\nkuEr.jpg;kuEr\n").unwrap();
    refused(&[root, "--labels", labels.to_str().unwrap()], 1, &["columns file and text"]);
    refused(&[root, "--labels", "nowhere.csv"], 1, &["nowhere.csv"]);
    refused(&[root, "--model", "nowhere.onnx"], 1, &["--model nowhere.onnx"]);
    refused(&["nowhere"], 2, &["nowhere is not a folder"]);
    refused(&[root, "--json", root], 2, &["--json", "is a folder"]);
    refused(&[root, "--json", "nowhere/figures.json"], 2, &["there is no folder nowhere"]);
    refused(&[root, "--core-hour-price", "0"], 2, &["--core-hour-price"]);
    refused(&[root, "--core-hour-price", "NaN"], 2, &["--core-hour-price"]);
}
