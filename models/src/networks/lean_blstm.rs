//! The first network that served: a strided stem, four normalised 3x3 convolutions and a narrow bidirectional LSTM, under
//! 25 million multiply-adds for a 128x48 picture. A CRNN (Shi, Bai and Yao 2015, arXiv:1507.05717) spent where it
//! counts: half of the work is at half resolution, where stroke proportions, all that tells c from C, can be seen.

use super::{Cell, Convolution, Graph, Recurrent};

/// Width of the LSTM in each direction.
const HIDDEN: usize = 64;

pub(super) fn build<G: Graph>(graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
    // Sizes for a 128x48 picture, width first.
    let node = graph.convolution("stem", images, Convolution::new(16, 5).stride(2, 2)); // 64x24
    let node = graph.convolution("conv1", &node, Convolution::new(32, 3));
    let node = graph.max_pool(&node, (2, 2)); // 32x12
    let node = graph.convolution("conv2", &node, Convolution::new(48, 3));
    let node = graph.max_pool(&node, (2, 1)); // 32x6
    let node = graph.convolution("conv3", &node, Convolution::new(64, 3));
    let node = graph.max_pool(&node, (2, 1)); // 32x3
    let node = graph.convolution("conv4", &node, Convolution::new(64, 3));
    let sequence = graph.columns(&node);
    let narrowed = graph.linear("narrow", &sequence, HIDDEN, false);
    let context = graph.recurrent(
        "blstm",
        &narrowed,
        Recurrent { cell: Cell::Lstm, hidden: HIDDEN, bidirectional: true },
    );
    let scores = graph.linear("classify", &context, labels, false);
    graph.log_softmax(&scores)
}
