//! `byecaptcha-dataset styles` and `preview`: what the styles are called and look like.

use std::{fmt::Write, path::PathBuf};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{sheet::sheet, stdout, styles as all_styles};
use image::ImageFormat;

/// What `preview` is told.
#[derive(clap::Args)]
pub(crate) struct Preview {
    /// Styles to show; all of them by default
    styles: Vec<String>,
    /// The PNG file to write
    #[arg(long, default_value = "preview.png")]
    out: PathBuf,
    /// Pictures of each style
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=50))]
    columns: u64,
    /// Same seed, same pictures
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Prints the names.
pub(crate) fn styles() -> Result<()> {
    let mut text = String::new();
    for (name, about) in all_styles()? {
        writeln!(text, "{name:20} {about}")?;
    }
    text += "\nThe first four may have -pairs behind them (half of the symbols from V v X x Z z), or 3 to 8 of another\n\
             charset: -all (62 letters and digits), -digits, -upper or -lower (such letters, and digits).";
    Ok(stdout::line(text)?)
}

/// Draws the contact sheet.
pub(crate) fn preview(preview: &Preview) -> Result<()> {
    // Drawing takes a while: what cannot be written is told before.
    let unfit = || format!("--out {}: it must be the name of a .png file", preview.out.display());
    let format = ImageFormat::from_path(&preview.out).with_context(unfit)?;
    ensure!(format == ImageFormat::Png && !preview.out.is_dir(), unfit());
    let all = all_styles()?;
    let names: Vec<&str> = match preview.styles.as_slice() {
        [] => all.iter().map(|(name, _)| *name).collect(),
        some => some.iter().map(String::as_str).collect(),
    };
    let picture = sheet(&names, preview.columns, preview.seed)?;
    picture
        .save_with_format(&preview.out, format)
        .with_context(|| format!("cannot write {}", preview.out.display()))?;
    Ok(stdout::line(format_args!("{} styles in {}", names.len(), preview.out.display()))?)
}
