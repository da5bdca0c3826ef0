//! An OpenTelemetry collector that keeps what it is sent: OTLP over HTTP, as in
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};

/// A span and the name of the program that sent it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) service: String,
    pub(crate) span: Span,
}

type Spans = Arc<Mutex<Vec<Sent>>>;

pub(crate) struct Collector {
    pub(crate) address: String,
    spans: Spans,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let spans = Spans::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let serving = tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, spans, serving }
    }

    /// What has come so far.
    pub(crate) fn spans(&self) -> Vec<Sent> {
        self.spans.lock().unwrap().clone()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap_or_default().attributes;
        let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
        let service = match service.and_then(|attribute| attribute.value?.value) {
            Some(Value::StringValue(service)) => service,
            other => panic!("no service's name: {other:?}"),
        };
        let new = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.lock().unwrap().extend(new.map(|span| Sent { service: service.clone(), span }));
    }
    StatusCode::OK
}
