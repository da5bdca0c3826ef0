//! Traces: each request is one, by W3C Trace Context, and goes on in the worker that reads its picture. Log lines name
//! the trace in any case; the spans leave the program only where a collector is named.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
};

use crate::logging::SpanLayer;

/// What the last spans may take on their way out.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Where spans go.
#[derive(Args)]
pub struct TraceSettings {
    /// An OpenTelemetry collector that takes OTLP over HTTP, as in http://127.0.0.1:4318; without one, no spans are
    /// sent. OTEL_TRACES_SAMPLER and OTEL_BSP_… are heard, too.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", global = true)]
    otlp_endpoint: Option<String>,
}

/// Sends what is left when it is dropped.
pub struct Traces(SdkTracerProvider);

impl Drop for Traces {
    fn drop(&mut self) {
        // A collector that is away has had its time; the program ends all the same.
        drop(self.0.shutdown_with_timeout(LAST_SPANS));
    }
}

impl TraceSettings {
    /// Makes this program part of traces under this name. The layer is for [`crate::logging::start`].
    ///
    /// # Errors
    ///
    /// A sentence about an address that is none.
    pub fn start(&self, service: &'static str) -> Result<(Traces, SpanLayer)> {
        let resource = Resource::builder().with_service_name(service).build();
        let mut provider = SdkTracerProvider::builder().with_resource(resource);
        if let Some(endpoint) = &self.otlp_endpoint {
            if !endpoint.starts_with("http://") {
                bail!(
                    "--otlp-endpoint: expected http://HOST:PORT; a collector beside the program needs no TLS"
                );
            }
            let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
            let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
            provider = provider.with_batch_exporter(exporter.context("--otlp-endpoint")?);
        }
        let provider = provider.build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        global::set_tracer_provider(provider.clone());
        // Only what this workspace says: the exporter's own client has spans, too.
        let ours = Targets::new().with_target("byecaptcha", LevelFilter::INFO);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service))
            .with_location(false)
            .with_threads(false)
            .with_filter(ours);
        Ok((Traces(provider), layer.boxed()))
    }
}
