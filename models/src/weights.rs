//! The weights that ship, compiled into the program: a worker that starts from nothing is ready at once.

use std::path::Path;

/// A model in the program.
pub struct Shipped {
    /// What `--model` calls it.
    pub name: &'static str,
    /// Its card.
    pub card: &'static str,
    /// Its network.
    pub onnx: &'static [u8],
    /// Its weights for libtorch.
    #[cfg(feature = "torch")]
    pub safetensors: &'static [u8],
}

macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            name: $name,
            card: include_str!(concat!("../weights/", $name, ".json")),
            onnx: include_bytes!(concat!("../weights/", $name, ".onnx")),
            #[cfg(feature = "torch")]
            safetensors: include_bytes!(concat!("../weights/", $name, ".safetensors")),
        }
    };
}

/// Reads captchas of many kinds; what reads where nothing else is asked for.
pub const GENERAL: Shipped = shipped!("general");
/// Reads the Python library's captchas, and those alone.
pub const LEAN: Shipped = shipped!("lean");
/// What finds a picture in a screenshot, before any model reads it.
pub const LOCATOR_ONNX: &[u8] = include_bytes!("../weights/locator.onnx");

/// What finds such a picture's edges exactly.
pub const REFINER_ONNX: &[u8] = include_bytes!("../weights/refiner.onnx");

/// All of them, the default first.
pub const SHIPPED: [&Shipped; 2] = [&GENERAL, &LEAN];

/// The model of this name, which is not a path.
#[must_use]
pub fn named(name: &Path) -> Option<&'static Shipped> {
    SHIPPED.into_iter().find(|shipped| Path::new(shipped.name) == name)
}
