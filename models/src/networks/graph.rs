//! The operations that networks are made of, and what carries them out.

/// Added to the variances of batch normalisation before the root is taken.
pub(crate) const NORM_EPSILON: f32 = 1e-5;
/// What rules a label out at a step, before the softmax: e to the minus it is nothing in 32 bits.
pub(crate) const RULED_OUT: f32 = -100.0;

/// A convolution with "same" padding (so sizes change by the stride alone), then optional batch normalisation, then
/// optional ReLU.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// Channels that come out.
    pub channels: usize,
    /// Side of the square kernel; odd.
    pub kernel: usize,
    /// Steps in height and in width.
    pub stride: (usize, usize),
    /// Batch normalisation in place of a bias (Ioffe and Szegedy 2015, arXiv:1502.03167).
    pub normalize: bool,
    /// Whether what is below zero becomes zero.
    pub relu: bool,
}

impl Convolution {
    /// A normalised one with ReLU, one pixel at a time.
    pub fn new(channels: usize, kernel: usize) -> Self {
        Self { channels, kernel, stride: (1, 1), normalize: true, relu: true }
    }

    /// The same with these steps in height and in width.
    pub fn stride(self, height: usize, width: usize) -> Self {
        Self { stride: (height, width), ..self }
    }

    /// The same without ReLU.
    pub fn linear(self) -> Self {
        Self { relu: false, ..self }
    }

    /// The same with a bias in place of normalisation.
    pub fn plain(self) -> Self {
        Self { normalize: false, ..self }
    }
}

/// What remembers from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Long short-term memory (Hochreiter and Schmidhuber 1997).
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), the reset gate applied after the product.
    Gru,
    /// Simple recurrent unit (Lei et al. 2017, arXiv:1709.02755v1): gates that see the input alone, so that only an
    /// addition is left to be done step by step; its highway is projected to the width of the state.
    Sru,
}

/// A recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent {
    /// What remembers.
    pub cell: Cell,
    /// Width of the state in each direction.
    pub hidden: usize,
    /// Whether a second one reads from right to left, its outputs beside the first one's (Graves and Schmidhuber 2005).
    pub bidirectional: bool,
}

impl Recurrent {
    /// Names of its directions, as parameters carry them.
    pub fn directions(self) -> &'static [&'static str] {
        if self.bidirectional { &["forward", "backward"] } else { &["forward"] }
    }
}

/// What a network is built from. `Node` is a value on its way through: a tensor, a name in a file, or a shape.
pub trait Graph {
    /// A value between two operations.
    type Node;

    /// `[N, C, H, W]` to `[N, channels, ceil(H / stride.0), ceil(W / stride.1)]`.
    fn convolution(&mut self, name: &str, input: &Self::Node, spec: Convolution) -> Self::Node;
    /// A convolution whose kernels are made for each picture: twice the mean of `experts` kernels, each times its gate, a
    /// sigmoid of a linear layer of the channels' means (Yang et al. 2019, arXiv:1904.04971). Of stride 1, and normalised.
    fn conditional(
        &mut self,
        name: &str,
        input: &Self::Node,
        spec: Convolution,
        experts: usize,
    ) -> Self::Node;
    /// Batch normalisation and ReLU by themselves, for networks that do them before a convolution.
    fn norm_relu(&mut self, name: &str, input: &Self::Node) -> Self::Node;
    /// The sum of two values of one shape, then ReLU.
    fn add_relu(&mut self, a: &Self::Node, b: &Self::Node) -> Self::Node;
    /// Pictures of one size one behind the other: their channels add up.
    fn concatenate(&mut self, a: &Self::Node, b: &Self::Node) -> Self::Node;
    /// The largest of each window of `(height, width)` pixels, windows side by side.
    fn max_pool(&mut self, input: &Self::Node, window: (usize, usize)) -> Self::Node;
    /// The mean of each window of `(height, width)` pixels, windows side by side.
    fn average_pool(&mut self, input: &Self::Node, window: (usize, usize)) -> Self::Node;
    /// `[N, C, H, W]` to `[W, N, C * H]`: the columns of a picture become the steps of a sequence.
    fn columns(&mut self, input: &Self::Node) -> Self::Node;
    /// `[N, C, H, W]` to `[1, N, C * H * W]`: one step that holds the whole picture.
    fn flatten(&mut self, input: &Self::Node) -> Self::Node;
    /// The last axis mapped to `outputs` values, with bias; then optional ReLU.
    fn linear(&mut self, name: &str, input: &Self::Node, outputs: usize, relu: bool) -> Self::Node;
    /// `[T, N, I]` to `[T, N, directions * hidden]`.
    fn recurrent(&mut self, name: &str, input: &Self::Node, spec: Recurrent) -> Self::Node;
    /// `[1, N, I]` to scores `[2 * positions, N, labels]` by one linear layer of `positions * (labels - 1)` outputs, of
    /// which number `i * (labels - 1) + c` is the score of character `c` at position `i`. A position's step rules the
    /// blank out, and the step after it rules out all else: the path that spells the text in CTC.
    fn positions(&mut self, name: &str, input: &Self::Node, positions: usize, labels: usize) -> Self::Node;
    /// Logarithms of probabilities over the last axis.
    fn log_softmax(&mut self, input: &Self::Node) -> Self::Node;
}
