//! The network that serves: a strided stem, four normalised 3x3 convolutions and a narrow bidirectional LSTM, under
//! 25 million multiply-adds for a 128x48 picture. A CRNN (Shi, Bai and Yao 2015, arXiv:1507.05717) spent where it
//! counts: half of the work is at half resolution, where stroke proportions, all that tells c from C, can be seen.

use super::{Convolution, Graph};

/// Width of the LSTM in each direction.
const HIDDEN: usize = 64;

pub(super) fn build<G: Graph>(graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
    let conv = |channels, kernel, stride| Convolution { channels, kernel, stride, normalize: true };
    // Sizes for a 128x48 picture, width first.
    let node = graph.convolution("stem", images, conv(16, 5, 2)); // 64x24
    let node = graph.convolution("conv1", &node, conv(32, 3, 1));
    let node = graph.max_pool(&node, (2, 2)); // 32x12
    let node = graph.convolution("conv2", &node, conv(48, 3, 1));
    let node = graph.max_pool(&node, (2, 1)); // 32x6
    let node = graph.convolution("conv3", &node, conv(64, 3, 1));
    let node = graph.max_pool(&node, (2, 1)); // 32x3
    let node = graph.convolution("conv4", &node, conv(64, 3, 1));
    let sequence = graph.columns(&node);
    let narrowed = graph.linear("narrow", &sequence, HIDDEN);
    let context = graph.blstm("blstm", &narrowed, HIDDEN);
    let scores = graph.linear("classify", &context, labels);
    graph.log_softmax(&scores)
}
