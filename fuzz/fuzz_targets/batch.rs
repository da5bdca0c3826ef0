//! A batch in each of its forms, through the whole router: the first byte says which form, the rest is the body.
#![no_main]

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_queue::{Broker, BrokerOptions, MemoryBroker, MemoryResults, Outcome, ResultOptions, ResultStore};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const FORMS: [&str; 3] = ["application/jsonl", "application/zip", "multipart/form-data; boundary=x"];
/// So short that nothing piles up.
const A_MOMENT: Duration = Duration::from_millis(1);

struct Service {
    runtime: Runtime,
    router: Router,
    bulk: Arc<MemoryBroker>,
    results: Arc<MemoryResults>,
}

thread_local! {
    static SERVICE: Service = {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let bulk = Arc::new(MemoryBroker::new(BrokerOptions::default()));
        let results = Arc::new(MemoryResults::new(ResultOptions { keep: A_MOMENT, remember: A_MOMENT }));
        let model = ModelInfo {
            name: "lean".to_owned(),
            version: "1".to_owned(),
            default: true,
            charset: "ABC123".to_owned(),
            figures: serde_json::Value::Null,
            recommended_min_confidence: None,
        };
        let settings = ApiSettings { keep_batches: A_MOMENT, ..ApiSettings::default() };
        let state = ApiState::new(bulk.clone(), results.clone(), vec![model], settings).with_batches(results.clone());
        Service { runtime, router: byecaptcha_api::router(state), bulk, results }
    };
}

fuzz_target!(|input: &[u8]| {
    let Some((form, body)) = input.split_first() else { return };
    let form = FORMS[usize::from(*form) % FORMS.len()];
    let request = Request::post("/v1/batches").header("content-type", form).body(Body::from(body.to_vec()));
    SERVICE.with(|Service { runtime, router, bulk, results }| {
        runtime.block_on(async {
            let answer = router.clone().oneshot(request.expect("a request")).await.expect("an answer");
            assert_ne!(answer.status().as_u16(), 500);
            let mut consumer = bulk.consumer().await.expect("a consumer");
            while bulk.depth().await.expect("a depth") > 0 {
                for delivery in consumer.receive(100).await.expect("jobs") {
                    results.finish(&[(delivery.job.id, Outcome::Canceled)]).await.expect("an end");
                    delivery.ack().await.expect("an ack");
                }
            }
        });
    });
});
