//! Which models read here.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::state::ApiState;

/// `GET /v1/models`.
pub(super) async fn list(State(state): State<ApiState>) -> Json<Value> {
    Json(json!({ "models": &*state.models }))
}
