//! A submission in each of its forms, through the whole router: the first byte says which form, the rest is the body.
#![no_main]

use std::sync::Arc;

use axum::{Router, body::Body, http::Request};
use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_queue::{BrokerOptions, MemoryBroker, MemoryResults, ResultOptions};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const FORMS: [&str; 3] = ["image/png", "multipart/form-data; boundary=x", "application/json"];

thread_local! {
    static SERVICE: (Runtime, Router) = {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        // One job waits, and all others are refused once they are read, so that nothing piles up.
        let broker = MemoryBroker::new(BrokerOptions { capacity: 1, ..BrokerOptions::default() });
        let results = MemoryResults::new(ResultOptions::default());
        let model = ModelInfo {
            name: "lean".to_owned(),
            version: "1".to_owned(),
            default: true,
            charset: "ABC123".to_owned(),
            figures: serde_json::Value::Null,
            recommended_min_confidence: None,
        };
        let settings = ApiSettings::default();
        let state = ApiState::new(Arc::new(broker), Arc::new(results), vec![model], settings);
        (runtime, byecaptcha_api::router(state))
    };
}

fuzz_target!(|input: &[u8]| {
    let Some((form, body)) = input.split_first() else { return };
    let form = FORMS[usize::from(*form) % FORMS.len()];
    let request = Request::post("/v1/jobs").header("content-type", form).body(Body::from(body.to_vec()));
    SERVICE.with(|(runtime, router)| {
        let answer = runtime.block_on(router.clone().oneshot(request.expect("a request"))).expect("an answer");
        assert_ne!(answer.status().as_u16(), 500);
    });
});
