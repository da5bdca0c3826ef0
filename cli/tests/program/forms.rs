//! One picture in every form that people have pictures in, and in forms that are none, through the whole server.

use std::fs;

use reqwest::StatusCode;
use serde_json::Value;

use crate::program::{Server, fixture, readings};

const PICTURE: &str = "9D1AHV_num45171.jpg";

/// What became of an upload: the text, or the kind of the failure or problem.
async fn outcome(server: &Server, image: Vec<u8>, media_type: &str) -> Result<String, String> {
    let response = server.submit(image, media_type, true).await;
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    match body["status"].as_str() {
        Some("succeeded") => Ok(body["result"]["text"].as_str().unwrap().to_owned()),
        Some("failed") => Err(body["error"]["kind"].as_str().unwrap().to_owned()),
        _ => {
            assert!(status.is_client_error(), "{status}: {body}");
            Err(body["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        }
    }
}

#[tokio::test]
async fn every_form_of_a_picture_is_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let original = fixture(PICTURE);
    let expected = readings(&[original.clone(), original])[0].clone();
    let forms = [
        ("plain.png", "image/png"),
        ("grey16.png", "image/png"),
        ("palette.png", "image/png"),
        ("transparent.png", "image/png"),
        ("animated.gif", "image/gif"),
        ("cmyk.jpg", "image/jpeg"),
        ("lossless.webp", "image/webp"),
        ("picture.bmp", "image/bmp"),
        // The bytes decide, whatever they are called.
        ("plain.png", "image/jpeg"),
        ("plain.png", "application/octet-stream"),
    ];
    for (name, media_type) in forms {
        let image = fs::read(fixture("forms").join(name)).unwrap();
        // Some forms change shades a little, and the case of a V hangs on them.
        let read = outcome(&server, image, media_type).await.map(|text| text.to_uppercase());
        assert_eq!(read, Ok(expected.to_uppercase()), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused_by_its_own_kind() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let form = |name: &str| fs::read(fixture("forms").join(name)).unwrap();
    let cut = |bytes: Vec<u8>, keep: usize| bytes[..bytes.len() * keep / 100].to_vec();
    let jpeg = || fs::read(fixture(PICTURE)).unwrap();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='128' height='48'/>".to_vec();
    let cases = [
        ("truncated JPEG", cut(jpeg(), 60), "image/jpeg", "image-truncated"),
        ("truncated PNG", cut(form("plain.png"), 60), "image/png", "image-truncated"),
        // To a lossless WebP's decoder, data that ends early is data that makes no sense.
        ("truncated WebP", cut(form("lossless.webp"), 60), "image/webp", "image-damaged"),
        ("truncated BMP", cut(form("picture.bmp"), 60), "image/bmp", "image-truncated"),
        ("truncated GIF", cut(form("animated.gif"), 20), "image/gif", "image-truncated"),
        ("empty", Vec::new(), "image/png", "empty-image"),
        ("text", b"Dear Sir or Madam".to_vec(), "image/png", "unsupported-image"),
        ("SVG", svg, "image/svg+xml", "unsupported-image"),
        ("wrong type", jpeg(), "text/plain", "unsupported-media-type"),
    ];
    for (name, image, media_type, kind) in cases {
        assert_eq!(outcome(&server, image, media_type).await, Err(kind.to_owned()), "{name}");
    }
    // And it still reads.
    let response = server.submit(jpeg(), "image/jpeg", true).await;
    assert_eq!(response.status(), StatusCode::OK);
}
