//! A graph of shapes alone: which parameters a network has, how they start, and what an image costs.

use super::{
    Cell, Convolution, Graph, LOCATOR_HEIGHT, LOCATOR_WIDTH, Network, REFINER_ACROSS, REFINER_ALONG,
    REFINER_CHANNELS, Recurrent, locator, refiner,
};

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initialization {
    /// All of one value.
    Constant(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform between plus and minus this bound.
    Uniform(f64),
}

/// One parameter of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Its name in checkpoints and weight files.
    pub name: String,
    /// Its dimensions, as libtorch orders them.
    pub shape: Vec<usize>,
    /// How it starts.
    pub initialization: Initialization,
    /// False for running statistics, which no gradient changes.
    pub trainable: bool,
}

/// The dimensions of a value for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Channels, height and width.
    Picture(usize, usize, usize),
    /// Steps and features.
    Sequence(usize, usize),
}

impl Shape {
    /// Features at each step; channels of a picture.
    fn features(self) -> usize {
        match self {
            Self::Picture(channels, ..) => channels,
            Self::Sequence(_, features) => features,
        }
    }
}

/// The parameters and the cost of a network at one picture size.
#[derive(Debug, Default)]
pub struct Outline {
    /// Every parameter, in the order of use.
    pub parameters: Vec<ParameterSpec>,
    /// Multiply-adds for one image.
    pub multiply_adds: usize,
    /// Steps and labels that come out.
    pub output: (usize, usize),
}

impl Outline {
    /// Walks a network for pictures of this size in pixels.
    pub fn of(network: Network, height: usize, width: usize, labels: usize) -> Self {
        Self::walk(Shape::Picture(1, height, width), |graph, images| network.build(graph, images, labels))
    }

    /// Walks the locator.
    pub fn of_locator() -> Self {
        Self::walk(Shape::Picture(3, LOCATOR_HEIGHT, LOCATOR_WIDTH), locator)
    }

    /// Walks the refiner, for one of a picture's four edges.
    pub fn of_refiner() -> Self {
        Self::walk(Shape::Picture(REFINER_CHANNELS, REFINER_ACROSS, REFINER_ALONG), refiner)
    }

    fn walk(input: Shape, build: impl FnOnce(&mut Self, &Shape) -> Shape) -> Self {
        let mut outline = Self::default();
        if let Shape::Sequence(steps, features) = build(&mut outline, &input) {
            outline.output = (steps, features);
        }
        outline
    }

    /// How many numbers training changes.
    pub fn trainable_values(&self) -> usize {
        self.parameters
            .iter()
            .filter(|spec| spec.trainable)
            .map(|spec| spec.shape.iter().product::<usize>())
            .sum()
    }

    fn declare(&mut self, name: String, shape: &[usize], initialization: Initialization, trainable: bool) {
        self.parameters.push(ParameterSpec { name, shape: shape.to_vec(), initialization, trainable });
    }

    fn declare_norm(&mut self, name: &str, channels: usize) {
        for (part, start, trainable) in
            [("weight", 1.0, true), ("bias", 0.0, true), ("mean", 0.0, false), ("variance", 1.0, false)]
        {
            self.declare(format!("{name}.{part}"), &[channels], Initialization::Constant(start), trainable);
        }
    }
}

impl Graph for Outline {
    type Node = Shape;

    fn convolution(&mut self, name: &str, input: &Shape, spec: Convolution) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        let Convolution { channels: out, kernel, stride, normalize, .. } = spec;
        let fan_in = channels * kernel * kernel;
        // He et al. 2015, arXiv:1502.01852: keeps the variance through a ReLU.
        let spread = Initialization::Normal((2.0 / fan_in as f64).sqrt());
        self.declare(format!("{name}.weight"), &[out, channels, kernel, kernel], spread, true);
        if normalize {
            self.declare_norm(&format!("{name}.norm"), out);
        } else {
            self.declare(format!("{name}.bias"), &[out], Initialization::Constant(0.0), true);
        }
        let (height, width) = (height.div_ceil(stride.0), width.div_ceil(stride.1));
        self.multiply_adds += height * width * out * fan_in;
        Shape::Picture(out, height, width)
    }

    fn conditional(&mut self, name: &str, input: &Shape, spec: Convolution, experts: usize) -> Shape {
        let Shape::Picture(channels, ..) = *input else { return *input };
        let pooled = Shape::Sequence(1, channels);
        self.linear(&format!("{name}.gates"), &pooled, experts, false);
        let output = self.convolution(name, input, spec);
        // One kernel has been declared: there are several, and each takes part in the mixture.
        if let Some(kernels) =
            self.parameters.iter_mut().find(|parameter| parameter.name == format!("{name}.weight"))
        {
            self.multiply_adds += experts * kernels.shape.iter().product::<usize>();
            kernels.shape.insert(0, experts);
        }
        output
    }

    fn norm_relu(&mut self, name: &str, input: &Shape) -> Shape {
        self.declare_norm(name, input.features());
        *input
    }

    fn add_relu(&mut self, a: &Shape, _b: &Shape) -> Shape {
        *a
    }

    fn concatenate(&mut self, a: &Shape, b: &Shape) -> Shape {
        let Shape::Picture(channels, height, width) = *a else { return *a };
        Shape::Picture(channels + b.features(), height, width)
    }

    fn max_pool(&mut self, input: &Shape, window: (usize, usize)) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        Shape::Picture(channels, height / window.0, width / window.1)
    }

    fn average_pool(&mut self, input: &Shape, window: (usize, usize)) -> Shape {
        self.max_pool(input, window)
    }

    fn columns(&mut self, input: &Shape) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        Shape::Sequence(width, channels * height)
    }

    fn flatten(&mut self, input: &Shape) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        Shape::Sequence(1, channels * height * width)
    }

    fn linear(&mut self, name: &str, input: &Shape, outputs: usize, _relu: bool) -> Shape {
        let Shape::Sequence(steps, features) = *input else { return *input };
        let spread = Initialization::Uniform((1.0 / features as f64).sqrt());
        self.declare(format!("{name}.weight"), &[outputs, features], spread, true);
        self.declare(format!("{name}.bias"), &[outputs], Initialization::Constant(0.0), true);
        self.multiply_adds += steps * features * outputs;
        Shape::Sequence(steps, outputs)
    }

    fn recurrent(&mut self, name: &str, input: &Shape, spec: Recurrent) -> Shape {
        let Shape::Sequence(steps, features) = *input else { return *input };
        let Recurrent { cell, hidden, .. } = spec;
        let spread = Initialization::Uniform((1.0 / hidden as f64).sqrt());
        // Products of the input and of the state, for all gates.
        let (of_input, of_state) = match cell {
            Cell::Lstm => (4 * hidden, 4 * hidden),
            Cell::Gru => (3 * hidden, 3 * hidden),
            // Candidate, forget gate, reset gate, and the highway's projection.
            Cell::Sru => (4 * hidden, 0),
        };
        for direction in spec.directions() {
            let mut declare = |part: &str, shape: &[usize], start| {
                self.declare(format!("{name}.{direction}.{part}"), shape, start, true);
            };
            declare("input_weight", &[of_input, features], spread);
            if of_state == 0 {
                // The candidate and the highway have no bias in the paper.
                declare("gate_bias", &[2 * hidden], Initialization::Constant(0.0));
            } else {
                declare("hidden_weight", &[of_state, hidden], spread);
                declare("input_bias", &[of_input], spread);
                declare("hidden_bias", &[of_state], spread);
            }
            self.multiply_adds += steps * (of_input * features + of_state * hidden);
        }
        Shape::Sequence(steps, spec.directions().len() * hidden)
    }

    fn positions(&mut self, name: &str, input: &Shape, positions: usize, labels: usize) -> Shape {
        self.linear(name, input, positions * (labels - 1), false);
        Shape::Sequence(2 * positions, labels)
    }

    fn log_softmax(&mut self, input: &Shape) -> Shape {
        *input
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::networks::{Alignment, LOCATOR_FINDINGS};

    #[test]
    fn the_serving_networks_keep_to_their_budgets_with_the_locator() {
        let (locator, refiner) = (Outline::of_locator(), Outline::of_refiner());
        assert_eq!((locator.output, refiner.output), ((1, LOCATOR_FINDINGS), (1, 1)));
        for (network, budget) in [
            (Network::LeanResidualSmall, 10_000_000),
            (Network::LeanResidual, 25_000_000),
            (Network::LeanConditional, 25_000_000),
            (Network::LeanResidualLarge, 60_000_000),
            (Network::LeanConditionalLarge, 60_000_000),
        ] {
            let all = Outline::of(network, 48, 128, 60).multiply_adds + locator.multiply_adds;
            assert!((budget * 9 / 10..=budget).contains(&all), "{network}: {all} multiply-adds");
        }
        // What ships, with all four edges refined.
        let all = Outline::of(Network::LeanConditional, 48, 128, 63).multiply_adds
            + locator.multiply_adds
            + 4 * refiner.multiply_adds;
        assert!(all <= 25_000_000, "{all} multiply-adds");
    }

    #[test]
    fn every_network_gives_its_steps_and_names_each_parameter_once() {
        for network in Network::ALL {
            let outline = Outline::of(network, 48, 128, 63);
            let steps = match network.alignment() {
                Alignment::Ctc => 32,
                Alignment::Positions => 12,
            };
            assert_eq!(outline.output, (steps, 63), "{network}");
            let names: HashSet<&str> = outline.parameters.iter().map(|spec| spec.name.as_str()).collect();
            assert_eq!(names.len(), outline.parameters.len(), "{network}");
        }
    }

    #[test]
    fn the_fixed_network_ends_in_six_times_62_outputs() {
        let outline = Outline::of(Network::Cnn4Fixed, 48, 128, 63);
        let shapes: Vec<&[usize]> = outline.parameters.iter().map(|spec| spec.shape.as_slice()).collect();
        assert_eq!(shapes.iter().filter(|shape| shape.len() == 4).count(), 4);
        assert_eq!(
            shapes.iter().filter(|shape| shape.len() == 2).map(|shape| shape[0]).collect::<Vec<_>>(),
            [512, 372]
        );
    }

    #[test]
    fn the_report_s_kernels_are_kept() {
        let outline = Outline::of(Network::Cnn5Blstm, 48, 128, 60);
        let kernels: Vec<usize> = outline
            .parameters
            .iter()
            .filter(|spec| spec.shape.len() == 4)
            .map(|spec| spec.shape[2])
            .collect();
        assert_eq!(kernels, [7, 5, 3, 3, 3]);
        assert_eq!(outline.output, (32, 60));
    }

    #[test]
    fn multiply_adds_are_counted_by_hand_for_one_layer() {
        let mut outline = Outline::default();
        let spec = Convolution::new(4, 3).stride(2, 2).plain();
        let out = outline.convolution("c", &Shape::Picture(2, 10, 7), spec);
        assert_eq!(out, Shape::Picture(4, 5, 4));
        assert_eq!(outline.multiply_adds, 5 * 4 * 4 * 2 * 9);
    }
}
