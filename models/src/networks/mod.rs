//! The networks, one family per file, each written once against [`Graph`]. libtorch executes a graph, the ONNX writer
//! records it, and the outline counts its parameters and multiply-adds: the three cannot drift apart.

mod cnn4_fixed;
mod cnn5;
mod densenet;
mod graph;
mod head;
mod lean_blstm;
mod lean_residual;
mod locator;
mod outline;
mod refiner;
mod resnet;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::preprocess::{MAX_WIDTH, WIDTH};

pub use graph::{Cell, Convolution, Graph, Recurrent};
pub(crate) use graph::{NORM_EPSILON, RULED_OUT};
pub use head::POSITIONS;
pub use locator::{LOCATOR_FINDINGS, LOCATOR_HEIGHT, LOCATOR_WIDTH, locator};
pub use outline::{Initialization, Outline, ParameterSpec, Shape};
pub use refiner::{REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS, refiner};

/// The networks by name: a backbone, and what makes a text of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The report's first network: four convolutions and two fully connected layers, for six characters exactly.
    Cnn4Fixed,
    /// A ResNet in their place, for six characters exactly.
    ResnetFixed,
    /// The report's five convolutions and an LSTM that reads from left to right.
    Cnn5Lstm,
    /// The same with an LSTM in both directions: the report's best.
    Cnn5Blstm,
    /// The same with a GRU in both directions.
    Cnn5Gru,
    /// The same with an SRU in both directions.
    Cnn5Sru,
    /// A ResNet and an LSTM in both directions.
    ResnetBlstm,
    /// A DenseNet and an LSTM that reads from left to right.
    DensenetLstm,
    /// A DenseNet and an LSTM in both directions.
    DensenetBlstm,
    /// The first serving network: fewer multiply-adds, normalised, and more accurate than the report's.
    LeanBlstm,
    /// As many, and deeper where a column's whole height is in sight: the special model's at first.
    LeanResidual,
    /// The same, narrower.
    LeanResidualSmall,
    /// The same, wider.
    LeanResidualLarge,
    /// What both models are that ship: `LeanResidual` with kernels mixed for each picture, and two channels fewer.
    LeanConditional,
    /// The same, as wide as `LeanResidualLarge`.
    LeanConditionalLarge,
}

/// How a network's steps stand for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// Any text that fits: connectionist temporal classification (Graves et al. 2006).
    Ctc,
    /// Texts of [`POSITIONS`] characters alone. Each takes two steps: itself, and a blank that is certain.
    Positions,
}

impl Network {
    /// Every network there is.
    pub const ALL: [Self; 15] = [
        Self::Cnn4Fixed,
        Self::ResnetFixed,
        Self::Cnn5Lstm,
        Self::Cnn5Blstm,
        Self::Cnn5Gru,
        Self::Cnn5Sru,
        Self::ResnetBlstm,
        Self::DensenetLstm,
        Self::DensenetBlstm,
        Self::LeanBlstm,
        Self::LeanResidual,
        Self::LeanResidualSmall,
        Self::LeanResidualLarge,
        Self::LeanConditional,
        Self::LeanConditionalLarge,
    ];

    /// Its name in configurations, file names and model cards.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cnn4Fixed => "cnn4-fixed",
            Self::ResnetFixed => "resnet-fixed",
            Self::Cnn5Lstm => "cnn5-lstm",
            Self::Cnn5Blstm => "cnn5-blstm",
            Self::Cnn5Gru => "cnn5-gru",
            Self::Cnn5Sru => "cnn5-sru",
            Self::ResnetBlstm => "resnet-blstm",
            Self::DensenetLstm => "densenet-lstm",
            Self::DensenetBlstm => "densenet-blstm",
            Self::LeanBlstm => "lean-blstm",
            Self::LeanResidual => "lean-residual",
            Self::LeanResidualSmall => "lean-residual-small",
            Self::LeanResidualLarge => "lean-residual-large",
            Self::LeanConditional => "lean-conditional",
            Self::LeanConditionalLarge => "lean-conditional-large",
        }
    }

    /// How its steps stand for a text.
    pub fn alignment(self) -> Alignment {
        match self {
            Self::Cnn4Fixed | Self::ResnetFixed => Alignment::Positions,
            _ => Alignment::Ctc,
        }
    }

    /// Pixels from left to right that it reads at most. What has a fully connected layer reads one width alone.
    pub fn widest(self) -> usize {
        match self.alignment() {
            Alignment::Positions => WIDTH,
            Alignment::Ctc => MAX_WIDTH,
        }
    }

    /// Builds the network from images `[N, 1, H, W]` to log probabilities `[steps, N, labels]`; label 0 is the blank.
    pub fn build<G: Graph>(self, graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
        let features = match self {
            Self::Cnn4Fixed => return cnn4_fixed::build(graph, images, labels),
            Self::LeanBlstm => return lean_blstm::build(graph, images, labels),
            Self::LeanResidual => {
                return lean_residual::build(graph, images, labels, &lean_residual::MIDDLE);
            }
            Self::LeanResidualSmall => {
                return lean_residual::build(graph, images, labels, &lean_residual::SMALL);
            }
            Self::LeanResidualLarge => {
                return lean_residual::build(graph, images, labels, &lean_residual::LARGE);
            }
            Self::LeanConditional => {
                return lean_residual::build(graph, images, labels, &lean_residual::CONDITIONAL);
            }
            Self::LeanConditionalLarge => {
                return lean_residual::build(graph, images, labels, &lean_residual::CONDITIONAL_LARGE);
            }
            Self::Cnn5Lstm | Self::Cnn5Blstm | Self::Cnn5Gru | Self::Cnn5Sru => cnn5::backbone(graph, images),
            Self::ResnetFixed | Self::ResnetBlstm => resnet::backbone(graph, images),
            Self::DensenetLstm | Self::DensenetBlstm => densenet::backbone(graph, images),
        };
        match self {
            Self::ResnetFixed => {
                let pooled = graph.max_pool(&features, (1, 4));
                head::fixed(graph, &pooled, labels)
            }
            Self::Cnn5Lstm | Self::DensenetLstm => head::lstm(graph, &features, labels),
            Self::Cnn5Gru => head::gru(graph, &features, labels),
            Self::Cnn5Sru => head::sru(graph, &features, labels),
            _ => head::blstm(graph, &features, labels),
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
