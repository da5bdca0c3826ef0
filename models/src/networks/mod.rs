//! The networks, one per file, each written once against [`Graph`]. libtorch executes a graph, the ONNX writer
//! records it, and the outline counts its parameters and multiply-adds: the three cannot drift apart.

mod cnn5_blstm;
mod lean_blstm;
mod outline;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use outline::{Initialization, Outline, ParameterSpec, Shape};

/// A convolution with "same" padding (so sizes change by the stride alone), then optional batch normalisation, then
/// ReLU.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// Channels that come out.
    pub channels: usize,
    /// Side of the square kernel; odd.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Batch normalisation in place of a bias (Ioffe and Szegedy 2015, arXiv:1502.03167).
    pub normalize: bool,
}

/// What a network is built from. `Node` is a value on its way through: a tensor, a name in a file, or a shape.
pub trait Graph {
    /// A value between two operations.
    type Node;

    /// `[N, C, H, W]` to `[N, channels, ceil(H / stride), ceil(W / stride)]`.
    fn convolution(&mut self, name: &str, input: &Self::Node, spec: Convolution) -> Self::Node;
    /// The largest of each window of `(height, width)` pixels, windows side by side.
    fn max_pool(&mut self, input: &Self::Node, window: (usize, usize)) -> Self::Node;
    /// `[N, C, H, W]` to `[W, N, C * H]`: the columns of a picture become the steps of a sequence.
    fn columns(&mut self, input: &Self::Node) -> Self::Node;
    /// The last axis mapped to `outputs` values, with bias.
    fn linear(&mut self, name: &str, input: &Self::Node, outputs: usize) -> Self::Node;
    /// `[T, N, I]` to `[T, N, 2 * hidden]`: an LSTM in each direction (Graves and Schmidhuber 2005).
    fn blstm(&mut self, name: &str, input: &Self::Node, hidden: usize) -> Self::Node;
    /// Logarithms of probabilities over the last axis.
    fn log_softmax(&mut self, input: &Self::Node) -> Self::Node;
}

/// The networks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The report's five convolutions and a bidirectional LSTM.
    Cnn5Blstm,
    /// The serving network: fewer multiply-adds, normalised, and the more accurate of the two.
    LeanBlstm,
}

impl Network {
    /// Every network there is.
    pub const ALL: [Self; 2] = [Self::Cnn5Blstm, Self::LeanBlstm];

    /// Its name in configurations, file names and model cards.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cnn5Blstm => "cnn5-blstm",
            Self::LeanBlstm => "lean-blstm",
        }
    }

    /// Builds the network from images `[N, 1, H, W]` to log probabilities `[steps, N, labels]`.
    pub fn build<G: Graph>(self, graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
        match self {
            Self::Cnn5Blstm => cnn5_blstm::build(graph, images, labels),
            Self::LeanBlstm => lean_blstm::build(graph, images, labels),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|network| network.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|network| network.name()).collect();
            format!("no network is called {name:?}; there are: {}", known.join(", "))
        })
    }
}
