//! The report's backbone: five convolutions of 7x7, 5x5, 3x3, 3x3 and 3x3, each with ReLU and max-pooling, after the
//! CRNN of Shi, Bai and Yao (2015, arXiv:1507.05717).

use super::{Convolution, Graph};

pub(super) fn backbone<G: Graph>(graph: &mut G, images: &G::Node) -> G::Node {
    // The report names kernels, not channels or windows. Pooling stops in width at a quarter, which leaves 32 steps
    // for six characters: room for each of them, and for the blank that CTC puts between doubled ones.
    let conv = |channels, kernel| Convolution::new(channels, kernel).plain();
    let node = graph.convolution("conv1", images, conv(16, 7));
    let node = graph.max_pool(&node, (2, 2));
    let node = graph.convolution("conv2", &node, conv(32, 5));
    let node = graph.max_pool(&node, (2, 2));
    let node = graph.convolution("conv3", &node, conv(64, 3));
    let node = graph.max_pool(&node, (2, 1));
    let node = graph.convolution("conv4", &node, conv(64, 3));
    let node = graph.max_pool(&node, (2, 1));
    // The fifth pooling has nothing left to give up: three rows are one letter's top, middle and foot.
    graph.convolution("conv5", &node, conv(64, 3))
}
