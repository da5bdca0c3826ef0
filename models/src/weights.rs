//! The weights that ship, compiled into the program: a worker that starts from nothing is ready at once.

/// The card of the default model.
pub const LEAN_CARD: &str = include_str!("../weights/lean.json");
/// The network of the default model.
pub const LEAN_ONNX: &[u8] = include_bytes!("../weights/lean.onnx");
/// The same network for libtorch.
#[cfg(feature = "torch")]
pub const LEAN_SAFETENSORS: &[u8] = include_bytes!("../weights/lean.safetensors");
