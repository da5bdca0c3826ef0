//! What is taken in as a picture, in which forms, and what is refused.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::ApiSettings;
use image::ImageFormat;
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    app::{Setup, TestApp, assert_problem, header},
    pictures::{picture, png, png_that_claims, sized},
};

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];

#[tokio::test]
async fn all_five_formats_are_taken_whatever_they_are_called() {
    let app = TestApp::start().await;
    for format in FORMATS {
        for media_type in [format.to_mime_type(), "image/png", "application/octet-stream", "Image/JPEG; q=1"]
        {
            let request = app.submission().header("content-type", media_type).body(picture(format));
            assert_eq!(
                request.send().await.unwrap().status(),
                StatusCode::ACCEPTED,
                "{format:?} as {media_type}"
            );
        }
        assert_eq!(
            app.submission().body(picture(format)).send().await.unwrap().status(),
            StatusCode::ACCEPTED
        );
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused_whatever_it_is_called() {
    let app = TestApp::start().await;
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#;
    let tiff = b"II*\0\x08\0\0\0\0\0\0\0";
    for text in [&b"hello"[..], b"\0", svg, b"%PDF-1.7\n", b"<!doctype html>", tiff] {
        let response = app.submit(text.to_vec()).send().await.unwrap();
        let problem = assert_problem(&app, response, 415, "unsupported-image").await;
        assert_eq!(problem["field"], "image");
    }
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let app = TestApp::start().await;
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/pdf", "video/mp4", "nonsense"]
    {
        let response = app.submission().header("content-type", media_type).body(png()).send().await.unwrap();
        let problem = assert_problem(&app, response, 415, "unsupported-media-type").await;
        assert!(problem["detail"].as_str().unwrap().contains(media_type));
    }
}

#[tokio::test]
async fn empty_pictures_are_refused_in_all_forms() {
    let app = TestApp::start().await;
    let without = Form::new().text("model", "lean");
    let empty = Form::new().part("image", Part::bytes(Vec::new()));
    for request in [
        app.submit(Vec::new()),
        app.submission(),
        app.submission().multipart(without),
        app.submission().multipart(empty),
        app.submission().json(&json!({ "image": "" })),
        app.submission().json(&json!({ "image": "data:image/png;base64," })),
    ] {
        assert_problem(&app, request.send().await.unwrap(), 400, "empty-image").await;
    }
}

#[tokio::test]
async fn forms_carry_the_picture_under_either_name() {
    let app = TestApp::start().await;
    for name in ["image", "file"] {
        for model in ["lean", ""] {
            let form = Form::new().text("model", model).part(name, Part::bytes(png()).file_name("a.png"));
            let response = app.submission().multipart(form).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::ACCEPTED);
            let job = app.next_job().await;
            assert_eq!(job.image, png());
            assert_eq!(job.options.model.as_deref(), Some(model).filter(|model| !model.is_empty()));
        }
    }
}

#[tokio::test]
async fn forms_that_cannot_be_read_are_refused() {
    let app = TestApp::start().await;
    let two = Form::new().part("image", Part::bytes(png())).part("file", Part::bytes(png()));
    let unknown = Form::new().text("colour", "red").part("image", Part::bytes(png()));
    let multipart = |value: &str| app.submission().header("content-type", value.to_owned());
    for request in [
        app.submission().multipart(two),
        app.submission().multipart(unknown),
        multipart("multipart/form-data").body(png()),
        multipart("multipart/form-data; boundary=x").body("no boundary in here"),
        multipart("multipart/form-data; boundary=x")
            .body("--x\r\ncontent-disposition: form-data; name=image\r\n\r\ncut off"),
    ] {
        assert_problem(&app, request.send().await.unwrap(), 400, "malformed-body").await;
    }
}

#[tokio::test]
async fn json_carries_base64_in_its_usual_dresses() {
    let app = TestApp::start().await;
    let encoded = STANDARD.encode(png());
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for image in [
        encoded.clone(),
        encoded.trim_end_matches('=').to_owned(),
        lines.join("\r\n"),
        format!("data:image/png;base64,{encoded}"),
        format!("data:image/png;name=a.png;base64,{encoded}"),
    ] {
        let response = app.submission().json(&json!({ "image": image, "model": null })).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{image}");
        assert_eq!(app.next_job().await.image, png());
    }
}

#[tokio::test]
async fn json_that_cannot_be_read_is_refused() {
    let app = TestApp::start().await;
    for text in ["", "{", "[]", "{}", r#"{"image":7}"#, r#"{"image":"","modle":"lean"}"#] {
        let request = app.submission().header("content-type", "application/json; charset=utf-8").body(text);
        assert_problem(&app, request.send().await.unwrap(), 400, "malformed-body").await;
    }
    for image in ["no base64!", "A", "data:image/png,raw", "https://example.com/a.png"] {
        let response = app.submission().json(&json!({ "image": image })).send().await.unwrap();
        let problem = assert_problem(&app, response, 400, "malformed-base64").await;
        assert_eq!(problem["field"], "image");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_is_named() {
    let app = TestApp::start().await;
    let body = json!({ "image": STANDARD.encode(png()), "model": "huge" });
    let response = app.submission().json(&body).send().await.unwrap();
    let problem = assert_problem(&app, response, 422, "unknown-model").await;
    assert_eq!(problem["field"], "model");
    assert_eq!(problem["detail"], r#"No model is called "huge"; there are: lean."#);
}

#[tokio::test]
async fn too_many_pixels_are_seen_in_the_header() {
    let app = TestApp::start().await;
    for (width, height) in [(20_000, 20_000), (4_097, 1), (1, 4_097), (1_000_000, 1)] {
        let claim = png_that_claims(width, height);
        assert!(claim.len() < 100);
        let response = app.submit(claim).send().await.unwrap();
        let problem = assert_problem(&app, response, 422, "image-too-large").await;
        assert!(problem["detail"].as_str().unwrap().contains(&format!("{width} x {height}")));
    }
    let response = app.submit(png_that_claims(i32::MAX as u32, i32::MAX as u32)).send().await.unwrap();
    assert_problem(&app, response, 422, "image-too-large").await;
    for format in FORMATS {
        let response = app.submit(sized(format, 4_100, 2)).send().await.unwrap();
        assert_problem(&app, response, 422, "image-too-large").await;
    }
    let most = app.submit(sized(ImageFormat::Png, 4_096, 1)).send().await.unwrap();
    assert_eq!(most.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn headers_that_give_no_size_are_refused() {
    let app = TestApp::start().await;
    for format in FORMATS {
        // Long enough to be recognised and too short to hold a size.
        let start = picture(format)[..14].to_vec();
        let response = app.submit(start).send().await.unwrap();
        assert_problem(&app, response, 422, "image-truncated").await;
    }
    let response = app.submit(png_that_claims(0, 5)).send().await.unwrap();
    assert_problem(&app, response, 422, "image-truncated").await;
}

#[tokio::test]
async fn no_prefix_and_no_flipped_byte_of_a_picture_upsets_the_server() {
    let app = TestApp::start().await;
    for format in FORMATS {
        let whole = picture(format);
        let prefixes = (0..whole.len().min(200)).map(|end| whole[..end].to_vec());
        let flipped = (0..whole.len().min(200)).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            bytes
        });
        for bytes in prefixes.chain(flipped) {
            let status = app.submit(bytes).send().await.unwrap().status().as_u16();
            assert!([202, 400, 415, 422].contains(&status), "{format:?}: {status}");
        }
    }
}

#[tokio::test]
async fn the_body_limit_holds_for_declared_lengths_and_for_forms() {
    let settings = ApiSettings { max_upload_bytes: 2_000, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let form = Form::new().part("image", Part::bytes(vec![7; 2_000]));
    for request in [
        app.submit(vec![7; 2_001]),
        app.submission().multipart(form),
        app.submission().json(&json!({ "image": "A".repeat(2_000) })),
        app.submission().header("content-type", "text/plain").body(vec![7; 50_000]),
    ] {
        let problem = assert_problem(&app, request.send().await.unwrap(), 413, "body-too-large").await;
        assert!(problem["detail"].as_str().unwrap().contains("2000"));
    }
    let mut exact = png();
    exact.resize(2_000, 0);
    assert_eq!(app.submit(exact).send().await.unwrap().status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn large_bodies_wait_for_room_and_small_ones_do_not() {
    let settings = ApiSettings {
        max_upload_bytes: 200_000,
        max_held_bytes: 0,
        room_timeout: Duration::from_millis(100),
        ..ApiSettings::default()
    };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let mut large = png();
    large.resize(150_000, 0);
    let send = async || app.submit(large.clone()).send().await.unwrap();
    let until = async |status: StatusCode| loop {
        let answer = send().await;
        if answer.status() == status {
            break answer;
        }
    };
    // It takes all the room there is, once more of it has come than a small one has.
    let mut slow = TcpStream::connect(app.socket()).await.unwrap();
    let head =
        "POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 200000\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&large[..60_000]).await.unwrap();
    assert_eq!(send().await.status(), StatusCode::ACCEPTED, "what is declared takes no room");
    slow.write_all(&large[..60_000]).await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(30), until(StatusCode::SERVICE_UNAVAILABLE));
    let refused = refused.await.unwrap();
    assert_eq!(header(&refused, "retry-after"), Some("2"));
    assert_problem(&app, refused, 503, "too-many-uploads").await;
    assert_eq!(app.submit(png()).send().await.unwrap().status(), StatusCode::ACCEPTED);
    // Whoever hangs up gives it back, and so does whoever is done.
    drop(slow);
    let taken = tokio::time::timeout(Duration::from_secs(30), until(StatusCode::ACCEPTED)).await;
    assert!(taken.is_ok());
    for body in [large.clone(), large.clone()] {
        assert_eq!(app.submit(body).send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let settings = ApiSettings { body_timeout: Duration::from_millis(100), ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let feedback = format!("/v1/jobs/{}/feedback", byecaptcha_queue::JobId::new());
    for (path, media_type) in [("/v1/jobs", "image/png"), (&feedback, "application/json")] {
        let mut stream = TcpStream::connect(app.socket()).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: {media_type}\r\ncontent-length: 500\r\n\r\nx"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the connection ends").unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["type"], "/problems/request-timeout");
    }
}
