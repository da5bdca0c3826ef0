//! What the refiner sees of a screenshot: a strip across each edge of a picture, twice, the second time more finely.

use std::error::Error;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};
use image::RgbImage;

use crate::networks::{REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS};

/// Edges of a picture: left, top, right and bottom, in this order everywhere.
pub const EDGES: usize = 4;
/// How far strips reach to either side of where the edge was found, as shares of the picture's width or height: at the first look,
/// which the refiner is trained on, and at the second, which sees more finely what the first has found.
pub const REACHES: [f32; 2] = [0.15, 0.05];
/// Differences of so many levels are brought out; larger ones grow by their logarithm. A pale picture on a white page has an edge
/// of a few levels.
const FAINT: f32 = 4.0;

/// Colours of one strip, `[across][along]` with what is outside first; none where the screenshot ends.
type Strip = Vec<Option<[u8; 3]>>;

/// Strips across the left, top, right and bottom edge, `[4, 4, 32, 16]` row-major: differences to the picture's ground in red, green
/// and blue, each from -1 to 1, and 1 where the screenshot goes on. Edges are shares of the screenshot's sides.
///
/// # Errors
/// Where the screenshot cannot be scaled.
pub fn strips(
    screenshot: &RgbImage,
    edges: [f32; EDGES],
    reach: f32,
) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
    let strips =
        (0..EDGES).map(|edge| strip(screenshot, edges, edge, reach)).collect::<Result<Vec<_>, _>>()?;
    let ground = ground(&strips);
    let mut values = Vec::with_capacity(EDGES * REFINER_CHANNELS * REFINER_ACROSS * REFINER_ALONG);
    let most = (255.0 / FAINT).ln_1p();
    for strip in &strips {
        for (channel, ground) in ground.into_iter().enumerate() {
            values.extend(strip.iter().map(|place| {
                let off = place.map_or(0.0, |colours| f32::from(colours[channel]) - ground);
                ((off.abs() / FAINT).ln_1p() / most).copysign(off)
            }));
        }
        values.extend(strip.iter().map(|place| if place.is_some() { 1.0 } else { 0.0 }));
    }
    Ok(values)
}

/// Where edges are that the refiner found to be so far inside of where they were, each a share of the strips' reach.
pub fn moved(edges: [f32; EDGES], off: [f32; EDGES], reach: f32) -> [f32; EDGES] {
    let [left, top, right, bottom] = edges;
    std::array::from_fn(|edge| {
        let side = if edge % 2 == 0 { right - left } else { bottom - top };
        let off = if off[edge].is_finite() { off[edge].clamp(-1.0, 1.0) } else { 0.0 };
        let inward = off * reach * side;
        (edges[edge] + if edge < 2 { inward } else { -inward }).clamp(0.0, 1.0)
    })
}

fn strip(
    screenshot: &RgbImage,
    edges: [f32; EDGES],
    edge: usize,
    reach: f32,
) -> Result<Strip, Box<dyn Error + Send + Sync>> {
    let sides = [screenshot.width() as f32, screenshot.height() as f32];
    // The axis across the edge, and the one along it.
    let (across, along) = (edge % 2, 1 - edge % 2);
    let extent = |axis: usize| ((edges[axis + 2] - edges[axis]) * sides[axis]).max(1.0);
    let half = reach * extent(across);
    let start = edges[edge] * sides[across] - half;
    let place = 2.0 * half / REFINER_ACROSS as f32;
    // The places that are in the screenshot as a whole.
    let clamped = |place: f32| (place.max(0.0) as usize).min(REFINER_ACROSS);
    let (first, end) =
        (clamped((-start / place).ceil()), clamped(((sides[across] - start) / place + 1e-3).floor()));
    let mut strip = vec![None; REFINER_ACROSS * REFINER_ALONG];
    if first >= end {
        return Ok(strip);
    }
    // In doubles: the crop may not reach over a side by a rounding error.
    let most = sides.map(f64::from);
    let from = [start + first as f32 * place, edges[along] * sides[along]].map(f64::from);
    let from = [from[0].clamp(0.0, most[across] - 0.5), from[1].clamp(0.0, most[along] - 0.5)];
    let span = [(end - first) as f32 * place, extent(along)].map(f64::from);
    let span = [span[0].min(most[across] - from[0]), span[1].min(most[along] - from[1])];
    let by_axis = |values: [f64; 2]| if across == 0 { values } else { [values[1], values[0]] };
    let ([left, top], [width, height]) = (by_axis(from), by_axis(span));
    let (columns, rows) =
        if across == 0 { (end - first, REFINER_ALONG) } else { (REFINER_ALONG, end - first) };
    let source =
        ImageRef::new(screenshot.width(), screenshot.height(), screenshot.as_raw(), PixelType::U8x3)?;
    let mut small = Image::new(columns as u32, rows as u32, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(left, top, width, height);
    Resizer::new().resize(&source, &mut small, &options)?;
    let pixels = small.buffer();
    for step in 0..end - first {
        for place in 0..REFINER_ALONG {
            let (row, column) = if across == 0 { (place, step) } else { (step, place) };
            let at = 3 * (row * columns + column);
            let outward = first + step;
            let outward = if edge < 2 { outward } else { REFINER_ACROSS - 1 - outward };
            strip[outward * REFINER_ALONG + place] = Some([pixels[at], pixels[at + 1], pixels[at + 2]]);
        }
    }
    Ok(strip)
}

/// The colour that most of what is inside has: the median of all strips' inner halves, in each channel.
fn ground(strips: &[Strip]) -> [f32; 3] {
    let inner = REFINER_ACROSS / 2 * REFINER_ALONG;
    std::array::from_fn(|channel| {
        let mut levels: Vec<u8> = strips
            .iter()
            .flat_map(|strip| &strip[inner..])
            .filter_map(|place| place.map(|colours| colours[channel]))
            .collect();
        let middle = levels.len() / 2;
        if levels.is_empty() { 0.0 } else { f32::from(*levels.select_nth_unstable(middle).1) }
    })
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    const FIRST: f32 = REACHES[0];

    /// Of one strip, the places across at which its middle line differs from the ground, outermost first, and those that are in the
    /// screenshot.
    fn middle(values: &[f32], edge: usize) -> (Vec<usize>, Vec<usize>) {
        let size = REFINER_ACROSS * REFINER_ALONG;
        let at = |channel: usize, across: usize| {
            values[(edge * REFINER_CHANNELS + channel) * size + across * REFINER_ALONG + REFINER_ALONG / 2]
        };
        let which = |is: &dyn Fn(usize) -> bool| (0..REFINER_ACROSS).filter(|&across| is(across)).collect();
        (which(&|across| at(0, across).abs() > 0.3), which(&|across| at(3, across) > 0.5))
    }

    #[test]
    fn what_is_outside_comes_first_on_every_side() {
        // A light picture at 60..160 by 30..80 of a dark page.
        let page = RgbImage::from_fn(240, 120, |x, y| {
            Rgb([if (60..160).contains(&x) && (30..80).contains(&y) { 240 } else { 60 }; 3])
        });
        let values = strips(&page, [60.0 / 240.0, 30.0 / 120.0, 160.0 / 240.0, 80.0 / 120.0], FIRST).unwrap();
        assert_eq!(values.len(), 4 * 4 * 32 * 16);
        for edge in 0..4 {
            let (outside, there) = middle(&values, edge);
            assert_eq!(there.len(), 32, "edge {edge}");
            assert!((15..=17).contains(&outside.len()) && outside[0] == 0, "edge {edge}: {outside:?}");
        }
        // Ten pixels too far out on the left: the edge is 10 of 110 inside of where it was taken to be.
        let found = [50.0 / 240.0, 0.25, 160.0 / 240.0, 80.0 / 120.0];
        let (outside, _) = middle(&strips(&page, found, FIRST).unwrap(), 0);
        let off = (outside.len() as f32 - 16.0) / 16.0;
        let left = moved(found, [off, 0.0, 0.0, 0.0], FIRST)[0] * 240.0;
        assert!((left - 60.0).abs() < 1.5, "{left}");
        let right = moved(found, [0.0, 0.0, off, 0.0], FIRST)[2] * 240.0;
        assert!((right - 150.0).abs() < 1.5, "{right}");
    }

    #[test]
    fn where_the_screenshot_ends_there_is_nothing() {
        let whole = RgbImage::from_pixel(160, 60, Rgb([250; 3]));
        let values = strips(&whole, [0.0, 0.0, 1.0, 1.0], FIRST).unwrap();
        for edge in 0..4 {
            let (different, there) = middle(&values, edge);
            assert_eq!((different, there), (vec![], (16..32).collect()), "edge {edge}");
        }
    }

    #[test]
    fn any_edges_are_borne() {
        for (width, height) in [(1, 1), (3, 500), (500, 3), (173, 59)] {
            let image = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 31 + y * 17) as u8; 3]));
            for edges in
                [[0.0, 0.0, 1.0, 1.0], [0.9, 0.9, 0.1, 0.1], [1.0; 4], [0.0; 4], [0.3, 0.0, 0.31, 1.0]]
            {
                for reach in REACHES {
                    let values = strips(&image, edges, reach).unwrap();
                    assert!(
                        values.iter().all(|value| (-1.0..=1.0).contains(value)),
                        "{width}x{height} {edges:?}"
                    );
                }
            }
        }
    }
}
