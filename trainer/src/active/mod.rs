//! Active learning after Stark et al. (2015, "CAPTCHA Recognition with Active Deep Learning"): people label the pictures that
//! a model is least sure of, and it learns from those. Here is what picks them, and in `curve` the measurement of what that
//! is worth against picking at random.

mod curve;
mod report;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{labels::LIST, stdout};
use byecaptcha_models::{Reading, Recognizer};

pub use curve::{Active, active};

use crate::{evaluate::BATCH, folder, whole};

/// What `pick` is told.
#[derive(clap::Args)]
pub struct Pick {
    /// Folder of pictures that nobody has labelled.
    #[arg(long)]
    from: PathBuf,
    /// Folder that the picked ones are copied to, with a list labels.csv to fill in; `finetune` takes it as it is.
    #[arg(long)]
    out: PathBuf,
    /// How many to pick.
    #[arg(long, default_value_t = 100)]
    count: usize,
    /// The model that is to get better: one that ships, by its name, or an ONNX file with its card beside it; the default
    /// model without.
    #[arg(long)]
    model: Option<PathBuf>,
}

/// How unsure a model is between its best reading and the next: their ratio, 0 for a sure one to 1 for a toss-up, as Stark
/// et al. have it for single characters.
#[must_use]
pub fn uncertainty(best: f64, next: f64) -> f64 {
    if best > 0.0 { (next / best).clamp(0.0, 1.0) } else { 1.0 }
}

fn of_reading(reading: &Reading) -> f64 {
    uncertainty(reading.confidence.into(), reading.alternatives.first().map_or(0.0, |next| next.1.into()))
}

/// Copies the pictures that the model is least sure of, and writes the list to fill in.
pub fn pick(arguments: &Pick) -> Result<()> {
    let Pick { from, out, count, model } = arguments;
    ensure!(*count > 0, "--count: at least 1");
    let list = out.join(LIST);
    ensure!(!list.exists(), "{} is there already, perhaps with labels in it", list.display());
    let mut recognizer = Recognizer::open(model.as_deref())?;
    let mut unread = BTreeMap::new();
    let mut ranked = ranked(&mut recognizer, from, &mut unread)?;
    ranked.truncate(*count);
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["file", "text", "guess", "confidence"])?;
    for (place, (path, reading)) in ranked.iter().enumerate() {
        // Files of one name may lie in several folders.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{:04}-{name}", place + 1);
        fs::copy(path, out.join(&name)).with_context(|| format!("cannot copy {}", path.display()))?;
        rows.write_record([&name, "", &reading.text, &format!("{:.3}", reading.confidence)])?;
    }
    // Last: a list that is there is one of pictures that are all there.
    whole::write(&list, rows.into_inner()?)?;
    for (path, error) in &unread {
        stdout::line(format_args!("left out: {}: {error}", path.display()))?;
    }
    stdout::line(format_args!(
        "{} pictures in {}; fill in the texts of {}, and then: byecaptcha-trainer finetune --labelled {}",
        ranked.len(),
        out.display(),
        list.display(),
        out.display()
    ))?;
    Ok(())
}

/// All readable pictures of a folder, least sure first; and why the others are not.
fn ranked(
    recognizer: &mut Recognizer,
    from: &Path,
    unread: &mut BTreeMap<PathBuf, String>,
) -> Result<Vec<(PathBuf, Reading)>> {
    let mut ranked = Vec::new();
    for files in folder::files(from)?.chunks(BATCH) {
        let (mut paths, mut prepared) = (Vec::new(), Vec::new());
        for path in files {
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            match recognizer.prepare(&bytes) {
                Ok(image) => {
                    paths.push(path.clone());
                    prepared.push(image);
                }
                Err(error) => {
                    unread.insert(path.clone(), error.to_string());
                }
            }
        }
        ranked.extend(paths.into_iter().zip(recognizer.recognize(&prepared)?));
    }
    ensure!(!ranked.is_empty(), "{} holds no picture that can be read", from.display());
    ranked.sort_by(|(_, a), (_, b)| of_reading(b).total_cmp(&of_reading(a)));
    Ok(ranked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toss_up_is_the_least_certain_and_nothing_read_as_unsure_as_can_be() {
        assert!(uncertainty(0.5, 0.5) > uncertainty(0.9, 0.05));
        assert_eq!((uncertainty(0.9, 0.0), uncertainty(0.0, 0.0)), (0.0, 1.0));
    }

    #[test]
    fn the_least_sure_are_copied_with_a_list_to_fill_in() {
        let folder = tempfile::tempdir().unwrap();
        let (from, out) = (folder.path().join("from"), folder.path().join("out"));
        fs::create_dir_all(&from).unwrap();
        for (name, style) in [("plain", "hku"), ("foreign", "perturbed")] {
            let style = byecaptcha_dataset::open(style, 1).unwrap();
            for index in 0..10 {
                let (_, file, extension) = style.encoded(index);
                fs::write(from.join(format!("{name}{index}.{extension}")), file).unwrap();
            }
        }
        fs::write(from.join("broken.png"), b"nothing").unwrap();
        let arguments = Pick { from, out: out.clone(), count: 8, model: None };
        pick(&arguments).unwrap();
        let list = fs::read_to_string(out.join(LIST)).unwrap();
        let foreign = list.lines().filter(|line| line.contains("foreign")).count();
        assert!(list.lines().count() == 9 && foreign >= 5, "{list}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 9);
        assert!(pick(&arguments).is_err(), "a list with labels in it is not written over");
    }
}
