//! Draws and encodes images of the `hku` preset on one thread and keeps none: for scripts/bench_dataset.sh to time.
#![allow(clippy::print_stdout, reason = "a command-line program speaks on its output")]

use anyhow::{Context, Result};
use byecaptcha_dataset::open;

fn main() -> Result<()> {
    let count: u64 = std::env::args().nth(1).context("the number of images is missing")?.parse()?;
    let style = open("hku", 1)?;
    let bytes: usize = (0..count).map(|index| style.encoded(index).1.len()).sum();
    println!("{count} images, {bytes} bytes");
    Ok(())
}
