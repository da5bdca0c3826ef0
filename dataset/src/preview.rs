//! `byecaptcha-dataset styles` and `preview`: what the styles are called and look like.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::{Context, Result};
use byecaptcha_dataset::{sheet::sheet, styles as all_styles};

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

/// Prints the names; a reader that has seen enough, such as `head`, may go away.
pub(crate) fn styles() -> Result<()> {
    let mut text = String::new();
    for (name, about) in all_styles()? {
        writeln!(text, "{name:20} {about}")?;
    }
    text += "\nThe first four may have -pairs behind them (half of the symbols from V v X x Z z), or 3 to 8 of another\n\
             charset: -all (62 letters and digits), -digits, -upper or -lower (such letters, and digits).\n";
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Draws the contact sheet.
pub(crate) fn preview(preview: &Preview) -> Result<()> {
    let all = all_styles()?;
    let names: Vec<&str> = match preview.styles.as_slice() {
        [] => all.iter().map(|(name, _)| *name).collect(),
        some => some.iter().map(String::as_str).collect(),
    };
    let picture = sheet(&names, preview.columns, preview.seed)?;
    picture.save(&preview.out).with_context(|| format!("cannot write {}", preview.out.display()))?;
    println!("{} styles in {}", names.len(), preview.out.display());
    Ok(())
}
