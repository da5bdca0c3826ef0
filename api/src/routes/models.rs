//! Which models read here.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    openapi::{SERVICE, answers},
    state::{ApiState, ModelInfo},
};

/// What can be asked for as `model`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Models {
    pub(crate) models: Vec<ModelInfo>,
}

/// Lists the models
///
/// With what they can read and how well.
#[utoipa::path(get, path = "/v1/models", operation_id = "listModels", tag = SERVICE, responses(answers::ModelList))]
pub(super) async fn list(State(state): State<ApiState>) -> Json<Models> {
    Json(Models { models: state.models.to_vec() })
}
