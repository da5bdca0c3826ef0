//! How a trace goes from the program that accepts a job to the one that reads it: as a W3C Trace Context `traceparent`
//! among the job's options. A program without a propagator carries nothing.

use std::collections::HashMap;

use opentelemetry::{Context, global};

/// Its name in headers and carriers, by <https://www.w3.org/TR/trace-context/>.
pub const TRACEPARENT: &str = "traceparent";

/// The span of this context, for [`crate::JobOptions::traceparent`]; `None` where nothing is traced.
pub fn traceparent(context: &Context) -> Option<String> {
    let mut carrier = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut carrier));
    carrier.remove(TRACEPARENT)
}

/// The context that a `traceparent` stands for; an empty one where it is malformed.
pub fn context(traceparent: &str) -> Context {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), &carrier))
}
