//! What the worker reads with: the settings that name model, engine and device, and what they load.

use std::path::PathBuf;

#[cfg(feature = "torch")]
use anyhow::anyhow;
use anyhow::{Context, Result, bail};
#[cfg(feature = "torch")]
use byecaptcha_models::LoadError;
use byecaptcha_models::{DeviceChoice, Recognizer};
use clap::{Args, ValueEnum};

/// Which model, and on what.
#[derive(Args)]
pub(crate) struct ModelSettings {
    /// The model to read with: `general`, which is the default, or `lean`, or a file NAME.onnx with its card NAME.json
    /// beside it. The engine `torch` reads NAME.safetensors in its place.
    #[arg(long, env = "BYECAPTCHA_MODEL", value_name = "NAME|ONNX")]
    model: Option<PathBuf>,
    /// What computes the network.
    #[arg(long, env = "BYECAPTCHA_ENGINE", default_value = "onnx", value_name = "ENGINE")]
    engine: EngineName,
    /// What the engine computes on: cpu, cuda:N, or auto, the first CUDA device where `torch` finds one and else the CPU.
    #[arg(long, env = "BYECAPTCHA_DEVICE", default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: DeviceChoice,
}

/// The engines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// Pure Rust, one CPU core.
    Onnx,
    /// libtorch: one CPU core, or a GPU. Only in programs that are built with it.
    Torch,
}

impl ModelSettings {
    /// The model in memory, on the device that will compute.
    ///
    /// # Errors
    ///
    /// A sentence about the setting that cannot be met.
    pub(crate) fn load(&self) -> Result<Recognizer> {
        let recognizer = match self.engine {
            EngineName::Onnx => self.onnx(),
            EngineName::Torch => self.torch(),
        }?;
        let card = recognizer.card();
        tracing::info!(
            model = %card.name,
            version = %card.version,
            engine = recognizer.engine(),
            "the model is loaded"
        );
        Ok(recognizer)
    }

    fn onnx(&self) -> Result<Recognizer> {
        if let DeviceChoice::Cuda(_) = self.device {
            bail!("--device {}: the engine onnx computes on the CPU; --engine torch knows GPUs", self.device);
        }
        Recognizer::open(self.model.as_deref()).with_context(|| self.subject())
    }

    #[cfg(feature = "torch")]
    fn torch(&self) -> Result<Recognizer> {
        Recognizer::torch(self.model.as_deref(), self.device).map_err(|error| match error {
            LoadError::NoDevice { .. } => anyhow!("--device {}: {error}", self.device),
            error => anyhow::Error::new(error).context(self.subject()),
        })
    }

    #[cfg(not(feature = "torch"))]
    fn torch(&self) -> Result<Recognizer> {
        bail!(
            "--engine torch: this program was built without libtorch; \
             `scripts/libtorch.sh && cargo build --release -p byecaptcha-worker --features torch` builds it with libtorch"
        )
    }

    fn subject(&self) -> String {
        match &self.model {
            Some(path) => format!("--model {}", path.display()),
            None => "the model that ships cannot be loaded".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        model: ModelSettings,
    }

    fn settings(arguments: &[&str]) -> Result<ModelSettings> {
        Ok(Program::try_parse_from([&["program"], arguments].concat())?.model)
    }

    fn refusal(arguments: &[&str]) -> String {
        let refused = settings(arguments).and_then(|settings| settings.load());
        format!("{:#}", refused.map(|recognizer| recognizer.engine().to_owned()).unwrap_err())
    }

    #[test]
    fn onnx_serves_unless_told_otherwise() {
        for arguments in [&[] as &[&str], &["--engine", "onnx", "--device", "cpu"]] {
            let recognizer = settings(arguments).unwrap().load().unwrap();
            assert_eq!((recognizer.engine(), recognizer.card().name.as_str()), ("onnx", "general"));
        }
    }

    #[test]
    fn models_that_ship_go_by_their_names() {
        for name in ["general", "lean"] {
            assert_eq!(settings(&["--model", name]).unwrap().load().unwrap().card().name, name);
        }
    }

    #[test]
    fn what_cannot_be_met_is_refused_and_named() {
        for (arguments, named) in [
            (&["--device", "cuda:0"] as &[&str], "--device cuda:0: the engine onnx"),
            (&["--device", "gpu"], "expected auto, cpu or cuda:N"),
            (&["--engine", "tensorflow"], "[possible values: onnx, torch]"),
            (&["--model", "/no/such.onnx"], "--model /no/such.onnx: cannot read /no/such.json"),
        ] {
            let refusal = refusal(arguments);
            assert!(refusal.contains(named), "{refusal}");
        }
    }

    #[cfg(not(feature = "torch"))]
    #[test]
    fn torch_says_how_it_is_built() {
        let refusal = refusal(&["--engine", "torch"]);
        assert!(refusal.contains("cargo build --release -p byecaptcha-worker --features torch"), "{refusal}");
    }

    #[cfg(feature = "torch")]
    #[test]
    fn torch_serves_where_it_is_built_in() {
        let recognizer = settings(&["--engine", "torch", "--device", "cpu"]).unwrap().load().unwrap();
        assert_eq!(recognizer.engine(), "torch cpu");
        let refusal = refusal(&["--engine", "torch", "--device", "cuda:200"]);
        assert!(refusal.starts_with("--device cuda:200: libtorch finds"), "{refusal}");
        let refusal = self::refusal(&["--engine", "torch", "--device", "cpu", "--model", "/no/such.onnx"]);
        assert!(refusal.contains("--model /no/such.onnx: cannot read /no/such.json"), "{refusal}");
    }
}
