//! A contact sheet: some pictures of each of several styles in one picture, to see at a glance what they are like.

use image::{Rgb, RgbImage, imageops};

use crate::compose::write_line;
use crate::draw::open;
use crate::style::Error;

/// Pixels around pictures.
const GAP: u32 = 6;
/// Height of a style's name.
const NAME: u32 = 18;

/// `columns` pictures of each style, a row for each, its name above.
///
/// # Errors
/// [`Error::UnknownStyle`] for a name that is none; [`Error::Empty`] for no styles or no columns.
pub fn sheet(styles: &[&str], columns: u64, seed: u64) -> Result<RgbImage, Error> {
    let rows = styles
        .iter()
        .map(|name| Ok((*name, row(name, columns, seed)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let width = rows.iter().map(|(_, row)| row.width()).max().filter(|&width| width > GAP);
    let width = width.ok_or(Error::Empty("the sheet"))?;
    let height = rows.iter().map(|(_, row)| row.height() + NAME).sum();
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([225; 3]));
    let mut top = 0;
    for (name, row) in rows {
        write_line(&mut sheet, name, (GAP as f32, (top + NAME - 4) as f32), 14.0);
        imageops::replace(&mut sheet, &row, 0, i64::from(top + NAME));
        top += NAME + row.height();
    }
    Ok(sheet)
}

fn row(name: &str, columns: u64, seed: u64) -> Result<RgbImage, Error> {
    let pictures: Vec<RgbImage> = {
        let style = open(name, seed)?;
        style.batch(0..columns).into_iter().map(|sample| sample.image).collect()
    };
    let width = pictures.iter().map(|picture| picture.width() + GAP).sum::<u32>() + GAP;
    let height = pictures.iter().map(RgbImage::height).max().unwrap_or_default() + GAP;
    let mut row = RgbImage::from_pixel(width, height, Rgb([225; 3]));
    let mut left = GAP;
    for picture in &pictures {
        imageops::replace(&mut row, picture, i64::from(left), 0);
        left += picture.width() + GAP;
    }
    Ok(row)
}
