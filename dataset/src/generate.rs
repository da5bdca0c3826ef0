//! `byecaptcha-dataset generate`: a folder of labelled images in any style.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_dataset::{Draw, Encoding, Generator, Resampling, Style, Warp, open, stdout};
use clap::ValueEnum;
use indicatif::{ParallelProgressIterator, ProgressBar, ProgressStyle};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// Numbers in file names have 1 to 5 digits.
const NUMBERS: std::ops::RangeInclusive<u32> = 0..=99_999;

/// What `generate` is told.
#[derive(clap::Args)]
pub(crate) struct Generate {
    /// Style, by its name; `byecaptcha-dataset styles` lists them
    #[arg(long, alias = "preset", default_value = "hku")]
    style: String,
    /// Number of images, divided evenly among the lengths
    // Their names are all known before the first is drawn, and take some hundred bytes each.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: u32,
    /// Folder to write to; created if missing, refused if it holds anything
    #[arg(long)]
    out: PathBuf,
    /// Same seed, same images
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write into a folder that is not empty, replacing files of the same name
    #[arg(long)]
    overwrite: bool,
    /// Image width in pixels
    #[arg(long)]
    width: Option<u32>,
    /// Image height in pixels
    #[arg(long)]
    height: Option<u32>,
    /// Font sizes in pixels, separated by commas; each character takes one at random
    #[arg(long, value_delimiter = ',', value_name = "SIZES")]
    font_size: Option<Vec<u32>>,
    /// Symbols that texts are made of
    #[arg(long, value_name = "SYMBOLS")]
    charset: Option<String>,
    /// Text lengths, separated by commas
    #[arg(long, value_delimiter = ',')]
    lengths: Option<Vec<usize>>,
    /// Filter of plain resizes
    #[arg(long)]
    resampling: Option<ResamplingName>,
    /// Version of the library whose warp is drawn
    #[arg(long)]
    warp: Option<WarpName>,
    /// File format; JPEG is of quality 75
    #[arg(long)]
    format: Option<FormatName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ResamplingName {
    /// Pillow 7 and later
    Bicubic,
    /// Pillow before 7
    Nearest,
}

#[derive(Clone, Copy, ValueEnum)]
enum WarpName {
    #[value(name = "0.3")]
    V0_3,
    #[value(name = "0.7.1")]
    V0_7_1,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Jpeg,
    Png,
}

pub(crate) fn generate(generate: &Generate) -> Result<()> {
    let style = generate.open()?;
    prepare(&generate.out, generate.overwrite)?;
    let written = write(&*style, generate)?;
    Ok(stdout::line(format_args!("{written} images in {}", generate.out.display()))?)
}

impl Generate {
    /// The style, with what was given on the command line put in.
    fn open(&self) -> Result<Box<dyn Draw>> {
        let Ok(preset) = Style::preset(&self.style) else {
            let style = open(&self.style, self.seed)?;
            ensure!(
                !self.changes(),
                "{} is drawn as its file says: sizes, symbols and the like cannot be given",
                self.style
            );
            return Ok(style);
        };
        let style = self.changed(preset);
        // A label is part of a file name.
        if let Some(symbol) =
            style.charset.chars().find(|&symbol| symbol == '/' || symbol == '\\' || symbol.is_control())
        {
            bail!("charset has {symbol:?}, which a file name cannot have");
        }
        Ok(Box::new(Generator::new(style, self.seed)?))
    }

    /// Whether anything of the style is to be changed.
    fn changes(&self) -> bool {
        self.width.or(self.height).is_some()
            || self.font_size.is_some()
            || self.charset.is_some()
            || self.lengths.is_some()
            || self.resampling.is_some()
            || self.warp.is_some()
            || self.format.is_some()
    }

    fn changed(&self, preset: Style) -> Style {
        Style {
            width: self.width.unwrap_or(preset.width),
            height: self.height.unwrap_or(preset.height),
            font_sizes: self.font_size.clone().unwrap_or(preset.font_sizes),
            // Another charset has other symbols that are hard to tell apart.
            emphasis: if self.charset.is_some() { String::new() } else { preset.emphasis },
            charset: self.charset.clone().unwrap_or(preset.charset),
            lengths: self.lengths.clone().unwrap_or(preset.lengths),
            resampling: match self.resampling {
                None => preset.resampling,
                Some(ResamplingName::Bicubic) => Resampling::Bicubic,
                Some(ResamplingName::Nearest) => Resampling::Nearest,
            },
            warp: match self.warp {
                None => preset.warp,
                Some(WarpName::V0_3) => Warp::V0_3,
                Some(WarpName::V0_7_1) => Warp::V0_7_1,
            },
            encoding: match self.format {
                None => preset.encoding,
                Some(FormatName::Jpeg) => Encoding::Jpeg { quality: 75 },
                Some(FormatName::Png) => Encoding::Png,
            },
        }
    }
}

/// Makes sure that the folder exists and may be written to.
pub(crate) fn prepare(out: &Path, overwrite: bool) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut entries = std::fs::read_dir(out).with_context(|| format!("cannot read {}", out.display()))?;
    if entries.next().is_some() && !overwrite {
        bail!("{} is not empty; --overwrite writes into it nevertheless", out.display());
    }
    Ok(())
}

/// Draws and writes all images on all cores.
fn write(style: &dyn Draw, arguments: &Generate) -> Result<u64> {
    let count = u64::from(arguments.count);
    let names = names(style, arguments.seed, count)?;
    let progress = ProgressBar::new(count).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} images, {per_sec}, {eta} left")
            .context("progress bar template")?,
    );
    let indexed: Vec<(u64, String)> = (0..count).zip(names).collect();
    indexed.par_iter().progress_with(progress).try_for_each(|(index, name)| {
        let (_, picture, extension) = style.encoded(*index);
        let path = arguments.out.join(format!("{name}.{extension}"));
        std::fs::write(&path, picture).with_context(|| format!("cannot write {}", path.display()))
    })?;
    Ok(count)
}

/// File names without their extensions, in the order of the images: unique, and dependent on nothing but the style, the seed and the count. Names
/// that differ only in case count as the same, since some file systems cannot tell them apart.
fn names(style: &dyn Draw, seed: u64, count: u64) -> Result<Vec<String>> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut taken = HashSet::new();
    let mut numbered = |label: &str| {
        // Ends for all but absurd requests: more than 100,000 images of one text.
        for _ in 0..10_000 {
            let name = format!("{label}_num{}", rng.random_range(NUMBERS));
            if taken.insert(name.to_lowercase()) {
                return Ok(name);
            }
        }
        bail!("no file name is left for another image of {label:?}; ask for fewer images or more symbols")
    };
    (0..count).map(|index| numbered(&style.label(index))).collect()
}
