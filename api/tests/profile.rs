//! A colour profile that is packed tightly is not unpacked whole, only to learn how large its picture is. In a process of its
//! own, so that its memory can be measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end by a panic")]

mod measured;

use std::{fs, sync::Arc};

use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_queue::{BrokerOptions, MemoryBroker, MemoryResults, ResultOptions};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use tokio::net::TcpListener;

use measured::{MIB, peak};

/// A picture of a pixel whose profile has so many bytes.
fn picture(profile: usize) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_icc_profile(vec![0; profile]).unwrap();
    encoder.write_image(&[7], 1, 1, ExtendedColorType::L8).unwrap();
    png
}

#[tokio::test]
async fn a_profile_of_200_megabytes_in_a_small_picture_takes_a_few() {
    let picture = picture(200 * MIB);
    assert!(picture.len() < 2 * MIB, "{} bytes", picture.len());
    let model = ModelInfo {
        name: "lean".to_owned(),
        version: "1".to_owned(),
        default: true,
        charset: "ABC".to_owned(),
        figures: serde_json::Value::Null,
        recommended_min_confidence: None,
    };
    let broker = Arc::new(MemoryBroker::new(BrokerOptions::default()));
    let results = Arc::new(MemoryResults::new(ResultOptions::default()));
    let state = ApiState::new(broker, results, vec![model], ApiSettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let jobs = format!("http://{}/v1/jobs", listener.local_addr().unwrap());
    let server = tokio::spawn(byecaptcha_api::serve(listener, state, std::future::pending()));
    // What making the picture took is forgotten (proc_pid_clear_refs(5)).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let answer = reqwest::Client::new().post(jobs).body(picture).send().await.unwrap();
    // The profile is left out; the pixel is there all the same.
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    let grown = peak() - before;
    assert!(grown < 100 * MIB, "memory grew by {} MiB", grown / MIB);
    server.abort();
}
