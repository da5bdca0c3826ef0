//! A labelled picture as a `tf.train.Example` (TensorFlow's `example.proto` and `feature.proto`).

use std::collections::BTreeMap;

use image::{ImageFormat, ImageReader};
use prost::{Message, Oneof};

/// A labelled picture, as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The picture's file, byte for byte.
    pub encoded: Vec<u8>,
    /// What it says.
    pub text: String,
    /// Its file's name, where the record gives one.
    pub file_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Example {
    #[prost(message, optional, tag = "1")]
    features: Option<Features>,
}

#[derive(Clone, PartialEq, Message)]
struct Features {
    #[prost(btree_map = "string, message", tag = "1")]
    feature: BTreeMap<String, Feature>,
}

#[derive(Clone, PartialEq, Message)]
struct Feature {
    #[prost(oneof = "Kind", tags = "1, 2, 3")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Bytes(BytesList),
    #[prost(message, tag = "2")]
    Floats(FloatList),
    #[prost(message, tag = "3")]
    Integers(Int64List),
}

#[derive(Clone, PartialEq, Message)]
struct BytesList {
    #[prost(bytes = "vec", repeated, tag = "1")]
    value: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct FloatList {
    #[prost(float, repeated, tag = "1")]
    value: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Int64List {
    #[prost(int64, repeated, tag = "1")]
    value: Vec<i64>,
}

fn bytes(value: impl Into<Vec<u8>>) -> Feature {
    Feature { kind: Some(Kind::Bytes(BytesList { value: vec![value.into()] })) }
}

fn integers(value: Vec<i64>) -> Feature {
    Feature { kind: Some(Kind::Integers(Int64List { value })) }
}

/// The place of a character among the report's 62: digits, upper case, lower case.
fn theta(character: char) -> Option<i64> {
    let places = ('0'..='9').chain('A'..='Z').chain('a'..='z');
    places.zip(0..).find_map(|(known, place)| (known == character).then_some(place))
}

impl Picture {
    /// The name of the encoding that the bytes begin like, if it is one that files are named after here.
    pub fn format(&self) -> Option<&'static str> {
        match image::guess_format(&self.encoded).ok()? {
            ImageFormat::Jpeg => Some("jpeg"),
            ImageFormat::Png => Some("png"),
            ImageFormat::WebP => Some("webp"),
            ImageFormat::Gif => Some("gif"),
            ImageFormat::Bmp => Some("bmp"),
            _ => None,
        }
    }

    /// The bytes of an example.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut feature = BTreeMap::from([
            ("image/encoded".to_owned(), bytes(self.encoded.clone())),
            ("image/text".to_owned(), bytes(self.text.as_str())),
        ]);
        let mut add = |name: &str, value| feature.insert(name.to_owned(), value);
        if let Some(format) = self.format() {
            add("image/format", bytes(format));
        }
        let reader = ImageReader::new(std::io::Cursor::new(&self.encoded)).with_guessed_format();
        if let Some((width, height)) = reader.ok().and_then(|reader| reader.into_dimensions().ok()) {
            add("image/width", integers(vec![i64::from(width)]));
            add("image/height", integers(vec![i64::from(height)]));
        }
        if let Some(name) = &self.file_name {
            add("image/filename", bytes(name.as_str()));
        }
        if let Some(places) = self.text.chars().map(theta).collect() {
            add("label", integers(places));
        }
        Example { features: Some(Features { feature }) }.encode_to_vec()
    }

    /// From the bytes of an example, or what it lacks.
    pub(super) fn decode(data: &[u8]) -> Result<Self, String> {
        let example = Example::decode(data).map_err(|error| format!("it is no tf.train.Example: {error}"))?;
        let mut feature = example.features.unwrap_or_default().feature;
        let mut take = |name: &str| match feature.remove(name)?.kind? {
            Kind::Bytes(mut list) if list.value.len() == 1 => list.value.pop(),
            _ => None,
        };
        let text = |name: &str, bytes: Vec<u8>| {
            String::from_utf8(bytes).map_err(|_| format!("its feature {name} is not UTF-8"))
        };
        let encoded = take("image/encoded").ok_or("it has no bytes feature image/encoded")?;
        let label = take("image/text").ok_or("it has no bytes feature image/text")?;
        let file_name = take("image/filename").map(|name| text("image/filename", name)).transpose()?;
        Ok(Self { encoded, text: text("image/text", label)?, file_name })
    }
}
