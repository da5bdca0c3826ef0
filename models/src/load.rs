//! Why a model cannot be loaded, and the checks that every engine makes first: the weights are those that their card
//! describes, and for pictures of the height that preparation makes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    card::ModelCard,
    device::DeviceChoice,
    preprocess::{HEIGHT, MAX_WIDTH, WIDTH},
};

/// A model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The card is not one.
    #[error("the model card is not valid: {0}")]
    Card(#[from] serde_json::Error),
    /// The weights are not those that the card describes.
    #[error("the weights have checksum {found}, their card says {expected}")]
    Checksum {
        /// SHA-256 of what was read.
        found: String,
        /// SHA-256 of what should have been.
        expected: String,
    },
    /// The file is no network that this engine can run.
    #[error("the network cannot be loaded: {0}")]
    Network(String),
    /// The engine does not find the device.
    #[error("libtorch finds {} here, and not {wanted}", count(*.devices))]
    NoDevice {
        /// What was asked for.
        wanted: DeviceChoice,
        /// How many CUDA devices there are.
        devices: usize,
    },
}

fn count(devices: usize) -> String {
    match devices {
        0 => "no CUDA device".to_owned(),
        1 => "one CUDA device, cuda:0".to_owned(),
        more => format!("{more} CUDA devices, cuda:0 to cuda:{}", more - 1),
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

/// The card NAME.json beside a file of weights.
pub fn read_card(weights: &Path) -> Result<ModelCard, LoadError> {
    Ok(serde_json::from_slice(&read(&weights.with_extension("json"))?)?)
}

/// Checks weights against their card; `expected` is the checksum that it has for this kind of file.
pub(crate) fn check(card: &ModelCard, weights: &[u8], expected: &str) -> Result<(), LoadError> {
    let found = sha256(weights);
    if found != expected {
        return Err(LoadError::Checksum { found, expected: expected.to_owned() });
    }
    if !(WIDTH..=MAX_WIDTH).contains(&card.width) {
        let expected = format!("pictures have {WIDTH} to {MAX_WIDTH}");
        return Err(LoadError::Network(format!("it reads {} columns, {expected}", card.width)));
    }
    if card.height != HEIGHT {
        return Err(LoadError::Network(format!("it reads {} rows, pictures have {HEIGHT}", card.height)));
    }
    Ok(())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::LEAN;

    #[test]
    fn a_card_s_sizes_are_those_of_pictures() {
        let weights = b"weights";
        let refused = |change: fn(&mut ModelCard)| {
            let mut card: ModelCard = serde_json::from_str(LEAN.card).unwrap();
            change(&mut card);
            check(&card, weights, &sha256(weights)).err().map(|error| error.to_string())
        };
        assert_eq!(refused(|_| ()), None);
        let error = refused(|card| card.width = 10_000_000_000).unwrap();
        assert!(error.contains("it reads 10000000000 columns, pictures have 128 to 512"), "{error}");
        assert!(refused(|card| card.height = 32).unwrap().contains("it reads 32 rows"));
        assert!(refused(|card| card.width = 0).is_some());
    }
}
