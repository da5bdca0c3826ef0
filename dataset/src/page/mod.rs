//! A picture as a person cuts it out of a web page: shown at some zoom on some ground, with a hand's margins, and
//! encoded again. What a screenshot does to a captcha, for readers to learn from.

pub(crate) mod ground;
mod shown;
mod surroundings;
mod words;

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::encode;
use crate::style::Error;
use ground::{Ground, mixed};
use shown::{Shown, Way, shown};

/// The zooms of a browser's menu from 50 to 200%, which calls two thirds 67%.
const ZOOMS: [f64; 11] = [0.5, 2.0 / 3.0, 0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0];
/// How many pixels common screens have for one of a page's.
const SCREENS: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];
/// Screen pixels for each of the picture's, at most. There are up to six, but the larger ones are read no worse.
const MOST: f64 = 2.5;
/// What a hand leaves on each side, as a share of the picture's own; below zero it cuts into the picture.
const MARGIN: std::ops::Range<f64> = -0.04..0.30;
/// JPEG qualities that cuts are encoded with.
const QUALITY: std::ops::RangeInclusive<u8> = 55..=95;

/// A picture cut out of a page.
pub struct Cut {
    /// What was cut out.
    pub image: RgbImage,
    /// Where in it the part that was asked for lies, in pixels: left, top, right and bottom. What lies outside of the image was
    /// cut off.
    pub place: [f64; 4],
}

/// The line around a picture.
struct Frame {
    thickness: i64,
    /// Pixels of the page between it and the picture.
    gap: i64,
    colour: Rgb<u8>,
}

impl Frame {
    fn random(rng: &mut impl Rng) -> Self {
        let gap = if rng.random_bool(0.2) { rng.random_range(1..=5) } else { 0 };
        Self { thickness: rng.random_range(1..=2), gap, colour: ground::colour(0..=255, rng) }
    }
}

/// Cuts `picture` out of a page of its own, and tells where the `part` of it went to. The same seed makes the same page.
///
/// # Errors
/// [`Error::Encode`] where the picture has no pixels.
pub fn cut(picture: &RgbImage, part: [f64; 4], seed: u64) -> Result<Cut, Error> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let scale = scale(&mut rng);
    let shown = shown(picture, scale, Way::random(scale, &mut rng))?;
    let (width, height) = (f64::from(shown.image.width()), f64::from(shown.image.height()));
    let [left, right, top, bottom] = std::array::from_fn(|_| rng.random_range(MARGIN));
    let side =
        |length: f64, before: f64, after: f64| ((length * (1.0 + before + after)).round() as u32).max(1);
    let mut page = RgbImage::new(side(width, left, right), side(height, top, bottom));
    let (x, y) = ((left * width).round() as i64, (top * height).round() as i64);
    Ground::random(&mut rng).fill(&mut page, &mut rng);
    let lies = [x, y, x + i64::from(shown.image.width()), y + i64::from(shown.image.height())];
    if rng.random_bool(0.25) {
        surroundings::card(&mut page, lies, scale, &mut rng);
    }
    if rng.random_bool(0.6) {
        surroundings::neighbours(&mut page, lies, scale, &mut rng);
    }
    let frame = rng.random_bool(0.25).then(|| Frame::random(&mut rng));
    let radius = if rng.random_bool(0.1) { rng.random_range(2..=8) } else { 0 };
    place(&mut page, &shown, (x, y), frame.as_ref(), radius);
    let sides = [picture.width(), picture.height()].map(f64::from);
    let place = std::array::from_fn(|edge| {
        let (axis, edges) = (edge % 2, shown.edges);
        let stretched = (edges[axis + 2] - edges[axis]) / sides[axis];
        lies[axis] as f64 + edges[axis] + part[edge] * stretched
    });
    Ok(Cut { image: encoded_again(page, &mut rng)?, place })
}

/// How large a page is shown: at the zooms of the menu in two of three, and at any between them, as embedded pages may be.
fn scale(rng: &mut impl Rng) -> f64 {
    let zoom = match rng.random_ratio(2, 3) {
        true => ZOOMS[rng.random_range(0..ZOOMS.len())],
        false => rng.random_range(ZOOMS[0].ln()..ZOOMS[ZOOMS.len() - 1].ln()).exp(),
    };
    (zoom * SCREENS[rng.random_range(0..SCREENS.len())]).min(MOST)
}

/// Puts the picture on the page, its corner at `(x, y)`, with a frame around it and its corners rounded off.
fn place(page: &mut RgbImage, shown: &Shown, (x, y): (i64, i64), frame: Option<&Frame>, radius: i64) {
    let (width, height) = (i64::from(shown.image.width()), i64::from(shown.image.height()));
    let (gap, thickness) = frame.map_or((0, 0), |frame| (frame.gap, frame.thickness));
    let most = gap + thickness;
    for row in -most..height + most {
        for column in -most..width + most {
            let (Ok(to_x), Ok(to_y)) = (u32::try_from(x + column), u32::try_from(y + row)) else { continue };
            // How far inside a corner's square, from its inner point outwards.
            let into = |at: i64, length: i64| (radius - at).max(at - (length - 1 - radius)).max(0);
            let (dx, dy) = (into(column, width), into(row, height));
            if to_x >= page.width() || to_y >= page.height() || dx * dx + dy * dy > (radius + most).pow(2) {
                continue;
            }
            let within =
                |room: i64| (-room..width + room).contains(&column) && (-room..height + room).contains(&row);
            // What the frame is drawn over is its own, and where it leaves no gap its pixels shine through at the edges.
            if let Some(frame) = frame.filter(|_| !within(gap) || (within(0) && gap == 0)) {
                page.put_pixel(to_x, to_y, frame.colour);
            }
            if within(0) && dx * dx + dy * dy <= radius * radius {
                let (column, row) = (column as u32, row as u32);
                let (covered, under) = (shown.covered(column, row) as f32, *page.get_pixel(to_x, to_y));
                page.put_pixel(to_x, to_y, mixed(under, *shown.image.get_pixel(column, row), covered));
            }
        }
    }
}

/// Half of the cuts come as PNG, which changes nothing, and half as JPEG.
fn encoded_again(page: RgbImage, rng: &mut impl Rng) -> Result<RgbImage, Error> {
    if rng.random_bool(0.5) {
        return Ok(page);
    }
    encode::decode(&encode::jpeg(&page, rng.random_range(QUALITY))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(128, 48, |x, y| Rgb([250, (x * 2 % 256) as u8, (y * 5 % 256) as u8]))
    }

    #[test]
    fn the_same_seed_makes_the_same_cut() {
        let cut = |seed| cut(&picture(), [0.0, 0.0, 128.0, 48.0], seed).unwrap().image;
        assert_eq!(cut(5), cut(5));
        assert_ne!(cut(5), cut(6));
    }

    #[test]
    fn sizes_are_those_of_the_task() {
        let picture = picture();
        let (mut smallest, mut largest) = (1.0_f64, 1.0_f64);
        for seed in 0..2_000 {
            let Cut { image, place: [left, top, right, bottom] } =
                cut(&picture, [0.0, 0.0, 128.0, 48.0], seed).unwrap();
            let scale = f64::from(image.height()) / 48.0;
            assert!(((right - left) / (bottom - top) - 128.0 / 48.0).abs() < 0.1);
            smallest = smallest.min(scale);
            largest = largest.max(scale);
        }
        assert!((0.45..0.56).contains(&smallest), "{smallest}");
        assert!((3.4..4.1).contains(&largest), "{largest}");
    }

    #[test]
    fn a_part_goes_where_the_picture_goes() {
        let picture = picture();
        for seed in 0..200 {
            let whole = cut(&picture, [0.0, 0.0, 128.0, 48.0], seed).unwrap().place;
            let middle = cut(&picture, [32.0, 12.0, 96.0, 36.0], seed).unwrap().place;
            let (across, down) = ((whole[2] - whole[0]) / 4.0, (whole[3] - whole[1]) / 4.0);
            let wanted = [whole[0] + across, whole[1] + down, whole[2] - across, whole[3] - down];
            assert!(middle.iter().zip(wanted).all(|(at, wanted)| (at - wanted).abs() < 1e-9), "{seed}");
        }
    }

    #[test]
    fn a_picture_lies_on_its_page_unchanged_where_nothing_covers_it() {
        let picture = picture();
        let shown = Shown { image: picture.clone(), edges: [0.0, 0.0, 128.0, 48.0] };
        let mut page = RgbImage::new(140, 60);
        let frame = |gap| Frame { thickness: 2, gap, colour: Rgb([1, 2, 3]) };
        place(&mut page, &shown, (7, -2), Some(&frame(0)), 0);
        assert_eq!(page.get_pixel(7, 0), picture.get_pixel(0, 2));
        assert_eq!((page.get_pixel(6, 20), page.get_pixel(4, 20)), (&Rgb([1, 2, 3]), &Rgb([0, 0, 0])));
        assert_eq!((page.get_pixel(60, 46), page.get_pixel(60, 48)), (&Rgb([1, 2, 3]), &Rgb([0, 0, 0])));
        let mut page = RgbImage::new(160, 80);
        place(&mut page, &shown, (12, 10), Some(&frame(3)), 0);
        let [picture_s, gap_s, frame_s, page_s] = [12, 11, 8, 6].map(|x| *page.get_pixel(x, 30));
        assert_eq!((picture_s, gap_s), (*picture.get_pixel(0, 20), Rgb([0, 0, 0])));
        assert_eq!((frame_s, page_s), (Rgb([1, 2, 3]), Rgb([0, 0, 0])));
        place(&mut page, &shown, (0, 0), None, 6);
        assert_eq!(page.get_pixel(0, 0), &Rgb([0, 0, 0]), "a rounded corner shows the ground");
        // Half of its first column's pixels are the page's.
        let half = Shown { image: picture, edges: [0.5, 0.0, 128.0, 48.0] };
        let mut page = RgbImage::new(140, 60);
        place(&mut page, &half, (0, 0), None, 0);
        assert_eq!(page.get_pixel(0, 20).0, [125, 0, 50]);
    }
}
