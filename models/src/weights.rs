//! The weights that ship, compiled into the program: a worker that starts from nothing is ready at once.

/// The card of the default model.
pub const LEAN_CARD: &str = include_str!("../weights/lean.json");
/// The network of the default model.
pub const LEAN_ONNX: &[u8] = include_bytes!("../weights/lean.onnx");
/// What finds a picture in a screenshot, before any model reads it.
pub const LOCATOR_ONNX: &[u8] = include_bytes!("../weights/locator.onnx");
/// The default model's network for libtorch.
#[cfg(feature = "torch")]
pub const LEAN_SAFETENSORS: &[u8] = include_bytes!("../weights/lean.safetensors");
