//! A graph of shapes alone: which parameters a network has, how they start, and what an image costs.

use super::{Convolution, Graph, Network};

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
        let mut outline = Self::default();
        let output = network.build(&mut outline, &Shape::Picture(1, height, width), labels);
        if let Shape::Sequence(steps, features) = output {
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
}

impl Graph for Outline {
    type Node = Shape;

    fn convolution(&mut self, name: &str, input: &Shape, spec: Convolution) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        let Convolution { channels: out, kernel, stride, normalize } = spec;
        let fan_in = channels * kernel * kernel;
        // He et al. 2015, arXiv:1502.01852: keeps the variance through a ReLU.
        let spread = Initialization::Normal((2.0 / fan_in as f64).sqrt());
        self.declare(format!("{name}.weight"), &[out, channels, kernel, kernel], spread, true);
        if normalize {
            self.declare(format!("{name}.norm.weight"), &[out], Initialization::Constant(1.0), true);
            self.declare(format!("{name}.norm.bias"), &[out], Initialization::Constant(0.0), true);
            self.declare(format!("{name}.norm.mean"), &[out], Initialization::Constant(0.0), false);
            self.declare(format!("{name}.norm.variance"), &[out], Initialization::Constant(1.0), false);
        } else {
            self.declare(format!("{name}.bias"), &[out], Initialization::Constant(0.0), true);
        }
        let (height, width) = (height.div_ceil(stride), width.div_ceil(stride));
        self.multiply_adds += height * width * out * fan_in;
        Shape::Picture(out, height, width)
    }

    fn max_pool(&mut self, input: &Shape, window: (usize, usize)) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        Shape::Picture(channels, height / window.0, width / window.1)
    }

    fn columns(&mut self, input: &Shape) -> Shape {
        let Shape::Picture(channels, height, width) = *input else { return *input };
        Shape::Sequence(width, channels * height)
    }

    fn linear(&mut self, name: &str, input: &Shape, outputs: usize) -> Shape {
        let Shape::Sequence(steps, features) = *input else { return *input };
        let spread = Initialization::Uniform((1.0 / features as f64).sqrt());
        self.declare(format!("{name}.weight"), &[outputs, features], spread, true);
        self.declare(format!("{name}.bias"), &[outputs], Initialization::Constant(0.0), true);
        self.multiply_adds += steps * features * outputs;
        Shape::Sequence(steps, outputs)
    }

    fn blstm(&mut self, name: &str, input: &Shape, hidden: usize) -> Shape {
        let Shape::Sequence(steps, _) = *input else { return *input };
        let features = input.features();
        let spread = Initialization::Uniform((1.0 / hidden as f64).sqrt());
        for direction in ["forward", "backward"] {
            self.declare(format!("{name}.{direction}.input_weight"), &[4 * hidden, features], spread, true);
            self.declare(format!("{name}.{direction}.hidden_weight"), &[4 * hidden, hidden], spread, true);
            self.declare(format!("{name}.{direction}.input_bias"), &[4 * hidden], spread, true);
            self.declare(format!("{name}.{direction}.hidden_bias"), &[4 * hidden], spread, true);
        }
        self.multiply_adds += steps * 2 * 4 * hidden * (features + hidden);
        Shape::Sequence(steps, 2 * hidden)
    }

    fn log_softmax(&mut self, input: &Shape) -> Shape {
        *input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lean_network_keeps_to_its_budget() {
        let outline = Outline::of(Network::LeanBlstm, 48, 128, 60);
        assert_eq!(outline.output, (32, 60));
        assert!(outline.multiply_adds <= 25_000_000, "{} multiply-adds", outline.multiply_adds);
        assert!(outline.multiply_adds < Outline::of(Network::Cnn5Blstm, 48, 128, 60).multiply_adds);
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
        let spec = Convolution { channels: 4, kernel: 3, stride: 2, normalize: false };
        let out = outline.convolution("c", &Shape::Picture(2, 10, 7), spec);
        assert_eq!(out, Shape::Picture(4, 5, 4));
        assert_eq!(outline.multiply_adds, 5 * 4 * 4 * 2 * 9);
    }
}
