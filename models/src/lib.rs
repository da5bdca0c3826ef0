//! What turns pixels into text: preparation, networks, engines, CTC decoding. No HTTP and no queue in here.
//! The trainer and the engines share every step, so that what is trained is what is served.

pub mod calibration;
pub mod card;
pub mod charset;
pub mod decode;
pub mod device;
pub mod load;
pub mod metrics;
pub mod networks;
pub mod onnx;
pub mod predictor;
pub mod preprocess;
pub mod reading;
pub mod recognizer;
#[cfg(feature = "torch")]
pub mod torch;
pub mod weights;

pub use card::ModelCard;
pub use charset::Charset;
pub use device::DeviceChoice;
pub use load::LoadError;
pub use predictor::{ImageBatch, LabelDistributions, PredictError, Predictor};
pub use preprocess::{ImageError, ImageLimits, PreparedImage};
pub use reading::{Reading, ReadingOptions};
pub use recognizer::Recognizer;
