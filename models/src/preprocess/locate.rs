//! Finds what is to be read in a screenshot. Of the Python library's captchas that is the picture, without what shows of the
//! page around it: their characters are told apart by their size in it, too, so a margin that stays on makes every one of them
//! a little wrong. Of others it is the text with a little room: a small text in a large picture is made larger.

use std::sync::Arc;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};
use image::{RgbImage, imageops};
use rten::{Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::{Layout, NdTensor, NdTensorView};

use super::{
    PreparedImage, prepare,
    prepare::prepare_part,
    strips::{EDGES, REACHES, moved, strips},
};
use crate::{
    load::LoadError,
    networks::{
        LOCATOR_FINDINGS, LOCATOR_HEIGHT, LOCATOR_WIDTH, REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS,
    },
    predictor::PredictError,
    weights,
};

/// Where all edges are within this share of the whole's, the picture is the whole: the file itself, most likely, which
/// nothing is to be taken from.
const WHOLE: f32 = 0.04;
/// The same of pictures that the Python library did not draw: where a text ends is harder to tell, and their networks were
/// shown characters of many sizes, so a little room that stays on costs less than a character cut into.
const WHOLE_OF_OTHERS: f32 = 0.08;
/// Log odds from which a picture counts as the Python library's.
const LIBRARY: f32 = 0.0;
/// Smallest share of a screenshot that is believed to be its picture, in width and in height.
const LEAST: f32 = 0.4;
/// Smallest share that is believed to be its text.
const LEAST_OF_OTHERS: f32 = 0.15;

/// A network in memory with one input and one output, `[1, N, findings]`.
struct Session {
    model: Model,
    input: NodeId,
    output: NodeId,
    threads: Arc<ThreadPool>,
}

impl Session {
    fn new(onnx: Vec<u8>, input: &str, output: &str) -> Result<Self, LoadError> {
        let network = |error: &dyn std::fmt::Display| LoadError::Network(error.to_string());
        let model = Model::load(onnx).map_err(|error| network(&error))?;
        let input = model.node_id(input).map_err(|error| network(&error))?;
        let output = model.node_id(output).map_err(|error| network(&error))?;
        Ok(Self { model, input, output, threads: Arc::new(ThreadPool::with_num_threads(1)) })
    }

    /// `N` times so many findings for `shape[0] == N` images.
    fn run<const FINDINGS: usize>(
        &self,
        values: &[f32],
        shape: [usize; 4],
    ) -> Result<Vec<[f32; FINDINGS]>, PredictError> {
        let failed = |error: &dyn std::fmt::Display| PredictError(format!("the locator failed: {error}"));
        let seen = NdTensorView::from_data(shape, values);
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.threads));
        let [found] = self
            .model
            .run_n(vec![(self.input, seen.into())], [self.output], Some(options))
            .map_err(|error| failed(&error))?;
        let found: NdTensor<f32, 3> =
            found.try_into().map_err(|_| failed(&"its output is not three axes"))?;
        if found.shape() != [1, shape[0], FINDINGS] {
            return Err(failed(&format!("its output is {:?}", found.shape())));
        }
        Ok((0..shape[0]).map(|image| std::array::from_fn(|number| found[[0, image, number]])).collect())
    }
}

/// The locator's network in memory, and the one that refines what it finds; threads may share it.
pub struct Locator {
    locator: Session,
    refiner: Option<Session>,
}

impl Locator {
    /// The locator that ships, from the program itself.
    pub fn embedded() -> Result<Self, LoadError> {
        Self::new(weights::LOCATOR_ONNX.to_vec())?.refined(weights::REFINER_ONNX.to_vec())
    }

    /// From the bytes of an ONNX file: the locator alone.
    pub fn new(onnx: Vec<u8>) -> Result<Self, LoadError> {
        Ok(Self { locator: Session::new(onnx, "screenshots", "found")?, refiner: None })
    }

    /// With a refiner, from the bytes of an ONNX file.
    pub fn refined(self, onnx: Vec<u8>) -> Result<Self, LoadError> {
        Ok(Self { refiner: Some(Session::new(onnx, "strips", "off")?), ..self })
    }

    /// Looks at a screenshot, and more closely, twice, at the edges of a picture of the Python library. Not from a thread of a rayon
    /// pool that has other work: while it waits for the engine's own pool it would take that up, and look again from within.
    pub fn look(&self, screenshot: &RgbImage) -> Result<Found, PredictError> {
        let failed = |error: &dyn std::fmt::Display| PredictError(format!("the locator failed: {error}"));
        let seen = seen(screenshot).map_err(|error| failed(&error))?;
        let found = self.locator.run::<LOCATOR_FINDINGS>(&seen, [1, 3, LOCATOR_HEIGHT, LOCATOR_WIDTH])?[0];
        let library = found[LOCATOR_FINDINGS - 1] > LIBRARY;
        let first = if library { 0 } else { EDGES };
        let [left, top, right, bottom] = std::array::from_fn(|edge| found[first + edge]);
        let edges = [left, top, 1.0 + right, 1.0 + bottom]
            .map(|edge| if edge.is_finite() { edge.clamp(0.0, 1.0) } else { 0.0 });
        let mut found = Found { edges, library };
        if let (true, Some(refiner)) = (library, &self.refiner) {
            for reach in REACHES {
                let strips = strips(screenshot, found.edges, reach).map_err(|error| failed(&error))?;
                let off =
                    refiner.run::<1>(&strips, [EDGES, REFINER_CHANNELS, REFINER_ACROSS, REFINER_ALONG])?;
                found.edges = moved(found.edges, std::array::from_fn(|edge| off[edge][0]), reach);
                // Of a whole picture nothing is cut off, wherever exactly its edges are.
                if found.part(screenshot).is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Fits what is to be read of a picture, or of the one that a screenshot shows, into a frame that is no wider than
    /// `widest`. Where the locator fails, the whole is.
    pub fn prepare(&self, screenshot: &RgbImage, widest: usize) -> PreparedImage {
        match self.look(screenshot) {
            Ok(found) => PreparedImage { library: found.library, ..found.prepare(screenshot, widest) },
            Err(error) => {
                tracing::error!(%error, "the whole picture is read");
                prepare(screenshot, widest)
            }
        }
    }
}

/// What the locator says of a screenshot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The left, top, right and bottom edge of what is to be read, as shares of the screenshot's width and height: of the
    /// picture if it is the Python library's, else of its text.
    pub edges: [f32; EDGES],
    /// Whether the picture looks as if the Python library had drawn it.
    pub library: bool,
}

impl Found {
    /// Fits what is to be read into a frame that is no wider than `widest`.
    pub fn prepare(&self, screenshot: &RgbImage, widest: usize) -> PreparedImage {
        // Of the library's pictures the edges are known to parts of a pixel, and matter. Where others' texts end is not.
        match self.part(screenshot) {
            Some(part) if self.library => prepare_part(screenshot, part, widest),
            _ => prepare(self.picture(screenshot).as_ref().unwrap_or(screenshot), widest),
        }
    }

    /// What is to be read without its surroundings, in whole pixels; none, where there is nothing to be left out.
    #[must_use]
    pub fn picture(&self, screenshot: &RgbImage) -> Option<RgbImage> {
        let [left, top, right, bottom] = self.part(screenshot)?.map(|edge| edge.round() as u32);
        let (across, down) = (right.saturating_sub(left).max(1), bottom.saturating_sub(top).max(1));
        Some(imageops::crop_imm(screenshot, left, top, across, down).to_image())
    }

    /// Left, top, right and bottom edge of that, in pixels.
    fn part(&self, screenshot: &RgbImage) -> Option<[f64; EDGES]> {
        let [left, top, right, bottom] = self.edges;
        let (most, least) = if self.library { (WHOLE, LEAST) } else { (WHOLE_OF_OTHERS, LEAST_OF_OTHERS) };
        let whole = left <= most && top <= most && right >= 1.0 - most && bottom >= 1.0 - most;
        if whole || right - left < least || bottom - top < least {
            return None;
        }
        let sides = [screenshot.width(), screenshot.height()].map(f64::from);
        let [left, top, right, bottom] =
            std::array::from_fn(|edge| (f64::from(self.edges[edge]) * sides[edge % 2]).min(sides[edge % 2]));
        // A pixel at least, which is in the picture.
        let end = |start: f64, end: f64| end.max(start + 1.0);
        let (right, bottom) = (end(left, right), end(top, bottom));
        let back = [right - sides[0], bottom - sides[1]].map(|beyond| beyond.max(0.0));
        Some([left - back[0], top - back[1], right - back[0], bottom - back[1]])
    }
}

/// A screenshot as the locator sees it: `[3, 32, 96]`, row-major, each value from -1 to 1, its proportions left behind.
pub fn seen(screenshot: &RgbImage) -> Result<Vec<f32>, Box<dyn std::error::Error + Send + Sync>> {
    let source =
        ImageRef::new(screenshot.width(), screenshot.height(), screenshot.as_raw(), PixelType::U8x3)?;
    let mut small = Image::new(LOCATOR_WIDTH as u32, LOCATOR_HEIGHT as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut small, &options)?;
    let pixels = small.buffer();
    Ok((0..3)
        .flat_map(|channel| {
            pixels.iter().skip(channel).step_by(3).map(|&value| f32::from(value) / 127.5 - 1.0)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_of_others_stays_whole_than_of_the_library_s_pictures() {
        let screenshot = RgbImage::new(200, 100);
        let cut = |left: f32, library: bool| {
            let found = Found { edges: [left, 0.0, 1.0, 1.0], library };
            found.picture(&screenshot).map(|picture| picture.dimensions())
        };
        assert_eq!((cut(0.035, true), cut(0.05, true)), (None, Some((190, 100))));
        assert_eq!((cut(0.075, false), cut(0.1, false)), (None, Some((180, 100))));
        // Less than is believed to be a picture.
        assert_eq!((cut(0.7, true), cut(0.9, false)), (None, None));
    }

    #[test]
    fn the_library_s_pictures_are_read_from_between_two_pixels_and_others_from_whole_ones() {
        let screenshot = RgbImage::from_fn(200, 100, |x, y| image::Rgb([(x * 7 + y * 3) as u8; 3]));
        let edges = [0.103, 0.104, 0.902, 0.904];
        let [library, other] =
            [true, false].map(|library| Found { edges, library }.prepare(&screenshot, 128));
        let part = edges.map(f64::from);
        let part = std::array::from_fn(|edge| part[edge] * [200.0, 100.0][edge % 2]);
        assert_eq!(library, prepare_part(&screenshot, part, 128));
        // From 21 to 180 and from 10 to 90.
        assert_eq!(other, prepare(&imageops::crop_imm(&screenshot, 21, 10, 159, 80).to_image(), 128));
        assert_ne!(library.pixels, other.pixels);
    }
}
