//! The report's network: five convolutions of 7x7, 5x5, 3x3, 3x3 and 3x3, each with ReLU and max-pooling, then a
//! bidirectional LSTM trained with CTC, after the CRNN of Shi, Bai and Yao (2015, arXiv:1507.05717).

use super::{Convolution, Graph};

/// Width of the LSTM in each direction.
const HIDDEN: usize = 128;

pub(super) fn build<G: Graph>(graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
    // The report names kernels, not channels or windows. Pooling stops in width at a quarter, which leaves 32 steps
    // for six characters: room for each of them, and for the blank that CTC puts between doubled ones.
    let layers = [(16, 7, (2, 2)), (32, 5, (2, 2)), (64, 3, (2, 1)), (64, 3, (2, 1)), (64, 3, (1, 1))];
    let mut node = None;
    for (index, (channels, kernel, window)) in layers.into_iter().enumerate() {
        let input = node.as_ref().unwrap_or(images);
        let spec = Convolution { channels, kernel, stride: 1, normalize: false };
        let convolved = graph.convolution(&format!("conv{}", index + 1), input, spec);
        node = Some(if window == (1, 1) { convolved } else { graph.max_pool(&convolved, window) });
    }
    let sequence = graph.columns(node.as_ref().unwrap_or(images));
    let context = graph.blstm("blstm", &sequence, HIDDEN);
    let scores = graph.linear("classify", &context, labels);
    graph.log_softmax(&scores)
}
