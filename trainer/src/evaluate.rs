//! Reads labelled pictures through the path that serves, and counts.

use std::{
    fs,
    io::{Cursor, Write, stdout},
    iter, panic,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{Sample, composed, open};
use byecaptcha_models::{PreparedImage, Reading, Recognizer, card::Figures};
use clap::Args;
use crossbeam_channel::bounded;
use image::ImageFormat;

use crate::{
    config::COMPOSED,
    errors::{self, Misread},
    folder,
    metrics::Metrics,
};

/// Pictures that go through the engine at once.
pub(crate) const BATCH: usize = 32;

/// What `evaluate` takes.
#[derive(Args)]
pub struct Evaluate {
    /// A model that ships, by its name, or an ONNX file with its card beside it; the default model without.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Folders of labelled pictures: TEXT_numN.png and the like, or any names with a list labels.csv whose first line is file,text.
    pub folders: Vec<PathBuf>,
    /// Where a page with the misread pictures goes.
    #[arg(long)]
    pub errors: Option<PathBuf>,
    /// Reads fresh images of these styles, too; `composed` stands for all composed ones, one by one.
    #[arg(long, alias = "preset", value_delimiter = ',')]
    pub style: Vec<String>,
    /// Cuts the fresh images out of drawn pages.
    #[arg(long)]
    pub pages: bool,
    /// How many fresh images.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    /// Their seed; not one that was trained with.
    #[arg(long, default_value_t = 0xf4e5)]
    pub seed: u64,
}

/// A labelled picture.
pub struct Picture {
    /// What an error calls it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its bytes, an image file.
    pub file: Vec<u8>,
}

/// Reads folders and fresh images, and prints of each how well.
///
/// # Errors
/// Where there is nothing to read, a folder, file or model cannot be read, or nobody takes what is printed.
pub fn evaluate(arguments: &Evaluate) -> Result<()> {
    let Evaluate { model, folders, errors, style, pages, count, seed } = arguments;
    ensure!(!folders.is_empty() || !style.is_empty(), "nothing to read: give folders or --style");
    // All of them before the first is read, which may take long.
    let folders = folders.iter().map(|path| Ok((path, folder::labelled(path)?)));
    let folders = folders.collect::<Result<Vec<_>>>()?;
    known(style)?;
    let mut recognizer = Recognizer::open(model.as_deref())?;
    let mut misread = Vec::new();
    let mut tell = |set: &str, (metrics, wrong): (Metrics, Vec<Misread>)| {
        misread.extend(wrong);
        // Before the figures, which nobody may be there to take.
        if let Some(file) = errors {
            errors::write(&misread, file)?;
        }
        anyhow::Ok(writeln!(stdout(), "{}", report(&metrics.figures(set), &metrics))?)
    };
    for (folder, files) in folders {
        tell(&folder.to_string_lossy(), with_errors(&mut recognizer, of_files(files))?)?;
    }
    for style in style.iter().flat_map(|style| meant(style)) {
        let (pictures, cut): (Box<dyn Iterator<Item = _>>, _) = match pages {
            true => (Box::new(cuts(style, *count, *seed)?), ", cut out of pages"),
            false => (Box::new(drawn(&[style], *count, *seed)?), ""),
        };
        tell(&format!("fresh images of {style}{cut}"), with_errors(&mut recognizer, pictures)?)?;
    }
    Ok(())
}

/// The pictures of files and their texts, each read when its turn comes.
pub(crate) fn of_files(files: Vec<(PathBuf, String)>) -> impl Iterator<Item = Result<Picture>> {
    files.into_iter().map(|(path, text)| {
        let name = path.display().to_string();
        let file = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        Ok(Picture { name, text, file })
    })
}

/// Counts over pictures.
pub fn on_pictures(
    recognizer: &mut Recognizer,
    pictures: impl Iterator<Item = Result<Picture>>,
) -> Result<Metrics> {
    count(recognizer, pictures, drop)
}

/// Counts over the labelled pictures of a folder.
pub fn on_folder(recognizer: &mut Recognizer, path: &Path) -> Result<Metrics> {
    on_pictures(recognizer, of_files(folder::labelled(path)?))
}

fn with_errors(
    recognizer: &mut Recognizer,
    pictures: impl Iterator<Item = Result<Picture>>,
) -> Result<(Metrics, Vec<Misread>)> {
    let mut misread = Vec::new();
    let metrics = count(recognizer, pictures, |error| misread.push(error))?;
    Ok((metrics, misread))
}

/// The styles that a name stands for: all composed ones, or one.
pub fn meant(style: &str) -> Vec<&str> {
    if style == COMPOSED { composed() } else { vec![style] }
}

/// Checks that all of these are styles.
pub(crate) fn known(styles: &[String]) -> Result<()> {
    let mut names = styles.iter().flat_map(|style| meant(style));
    Ok(names.try_for_each(|name| open(name, 0).map(drop))?)
}

/// So many fresh pictures, drawn in these styles in turn: two after one another of each, for those who want every second one.
pub(crate) fn drawn(
    styles: &[&str],
    count: u64,
    seed: u64,
) -> Result<impl Iterator<Item = Result<Picture>> + use<>> {
    let styles = styles.iter().map(|name| open(name, seed)).collect::<Result<Vec<_>, _>>()?;
    ensure!(!styles.is_empty(), "no style to draw in");
    Ok(ahead((0..count).map(move |index| {
        let (text, file, _) = styles[(index / 2 % styles.len() as u64) as usize].encoded(index);
        Ok(Picture { name: format!("drawn picture {index}"), text, file })
    })))
}

/// The same pictures, drawn on a thread of their own while those before them are read.
fn ahead(
    mut pictures: impl Iterator<Item = Result<Picture>> + Send + 'static,
) -> impl Iterator<Item = Result<Picture>> {
    let (sender, drawn) = bounded(2 * BATCH);
    // Where no one listens any more, no more is drawn.
    let draw = move || while pictures.next().is_some_and(|picture| sender.send(picture).is_ok()) {};
    let mut drawing = Some(thread::spawn(draw));
    iter::from_fn(move || {
        if let Ok(picture) = drawn.recv() {
            return Some(picture);
        }
        // A thread that has failed looks like one that is done.
        if let Some(Err(panic)) = drawing.take().map(thread::JoinHandle::join) {
            panic::resume_unwind(panic);
        }
        None
    })
}

/// Counts over fresh images of a style, or of all composed styles in turn.
pub fn on_style(recognizer: &mut Recognizer, style: &str, images: u64, seed: u64) -> Result<Metrics> {
    count(recognizer, drawn(&meant(style), images, seed)?, drop)
}

/// Counts over fresh images cut out of web pages.
pub fn on_pages(recognizer: &mut Recognizer, style: &str, images: u64, seed: u64) -> Result<Metrics> {
    count(recognizer, cuts(style, images, seed)?, drop)
}

/// So many fresh images cut out of web pages, kept as PNG so that what the page's cut lost is lost once.
fn cuts(style: &str, images: u64, seed: u64) -> Result<impl Iterator<Item = Result<Picture>> + use<>> {
    let style = open(style, seed)?;
    Ok(ahead((0..images).map(move |index| {
        let Sample { label: text, image, .. } = style.page(index);
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png)?;
        Ok(Picture { name: format!("drawn page {index}"), text, file: png.into_inner() })
    })))
}

fn count(
    recognizer: &mut Recognizer,
    mut pictures: impl Iterator<Item = Result<Picture>>,
    mut misread: impl FnMut(Misread),
) -> Result<Metrics> {
    let mut metrics = Metrics::default();
    loop {
        let (batch, prepared): (Vec<_>, Vec<_>) = next(recognizer, &mut pictures)?.into_iter().unzip();
        if batch.is_empty() {
            return Ok(metrics);
        }
        for (Picture { name, text: truth, file: picture }, reading) in
            batch.into_iter().zip(recognizer.recognize(&prepared)?)
        {
            metrics.add(&truth, &reading.text);
            metrics.add_contrast(contrast(&picture).context(name)?, truth == reading.text);
            if truth != reading.text {
                let was_second = reading.alternatives.iter().any(|(text, _)| *text == truth);
                let Reading { text: reading, confidence, .. } = reading;
                misread(Misread { picture, truth, reading, confidence, was_second });
            }
        }
    }
}

/// The next pictures that go through the engine at once, prepared; none at the end.
pub(crate) fn next(
    recognizer: &Recognizer,
    pictures: &mut impl Iterator<Item = Result<Picture>>,
) -> Result<Vec<(Picture, PreparedImage)>> {
    let batch = pictures.take(BATCH).map(|picture| {
        let picture = picture?;
        let prepared = recognizer.prepare(&picture.file).with_context(|| picture.name.clone())?;
        Ok((picture, prepared))
    });
    batch.collect()
}

/// Levels of luminance between the ground and the ink of a picture: its 90th and its 5th hundredth.
fn contrast(picture: &[u8]) -> Result<u8> {
    let mut levels = image::load_from_memory(picture)?.into_luma8().into_raw();
    levels.sort_unstable();
    let hundredth = |part: usize| levels.get(levels.len() * part / 100).copied().unwrap_or_default();
    Ok(hundredth(90) - hundredth(5))
}

/// The figures as a person reads them.
pub fn report(figures: &Figures, metrics: &Metrics) -> String {
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    let mut lines = vec![
        format!("{}: {} pictures", figures.set, figures.images),
        format!("  exact                 {}", percent(figures.exact)),
        format!("  ignoring case         {}", percent(figures.ignoring_case)),
        format!("  wrong length          {}", percent(figures.wrong_length)),
        format!("  character error rate  {}", percent(figures.character_error_rate)),
    ];
    for (length, exact, images) in metrics.by_length() {
        lines.push(format!("  exact at {length} characters  {} of {images}", percent(exact)));
    }
    if let Some(doubled) = figures.doubled {
        let (exact, images) = (percent(doubled.exact), doubled.images);
        lines.push(format!("  exact with a doubled character  {exact} of {images}"));
    }
    for (from, exact, images) in metrics.by_contrast() {
        lines.push(format!("  exact from contrast {from}  {} of {images}", percent(exact)));
    }
    let confusions: Vec<String> = metrics
        .worst_confusions(10)
        .iter()
        .map(|(truth, read, times)| format!("{truth} as {read} {times}x"))
        .collect();
    lines.push(format!("  worst confusions      {}", confusions.join(", ")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_cannot_be_read_is_named_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("abc_num9.png"), b"no picture").unwrap();
        let mut recognizer = Recognizer::embedded().unwrap();
        let error = format!("{:#}", on_folder(&mut recognizer, folder.path()).unwrap_err());
        assert!(error.contains("abc_num9.png"), "{error}");
    }

    #[test]
    fn what_is_to_be_read_is_looked_for_before_anything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("abc_num1.png"), b"no picture, which its reading would find").unwrap();
        let evaluated = |other: &str, style: &str| {
            let arguments = Evaluate {
                model: None,
                folders: vec![folder.path().to_owned(), PathBuf::from(other)],
                errors: None,
                style: vec![style.to_owned()],
                pages: false,
                count: 1,
                seed: 1,
            };
            format!("{:#}", evaluate(&arguments).unwrap_err())
        };
        let error = evaluated("no-such-folder", "hku");
        assert!(error.contains("no-such-folder"), "{error}");
        let error = evaluated(folder.path().to_str().unwrap(), "no-such-style");
        assert!(error.contains("no-such-style"), "{error}");
    }
}
