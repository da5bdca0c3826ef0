//! A small densely connected network with bottlenecks and compression, DenseNet-BC (Huang et al. 2016,
//! arXiv:1608.06993): every layer of a block sees the outputs of all before it.

use super::{Convolution, Graph};

/// Channels that each layer adds.
const GROWTH: usize = 12;

pub(super) fn backbone<G: Graph>(graph: &mut G, images: &G::Node) -> G::Node {
    let mut channels = 2 * GROWTH;
    let mut node = graph.convolution("stem", images, Convolution::new(channels, 5).stride(2, 2).plain());
    // Layers of each block, and the window of the pooling after it.
    for (block, (layers, window)) in [(4, (2, 2)), (6, (2, 1)), (8, (2, 1))].into_iter().enumerate() {
        for layer in 0..layers {
            let name = format!("block{}.layer{}", block + 1, layer + 1);
            let before = graph.norm_relu(&format!("{name}.norm"), &node);
            // The 1x1 convolution's normalisation and ReLU come after it: those of the 3x3 one, before it.
            let narrow =
                graph.convolution(&format!("{name}.bottleneck"), &before, Convolution::new(4 * GROWTH, 1));
            let spec = Convolution::new(GROWTH, 3).plain().linear();
            let grown = graph.convolution(&format!("{name}.grow"), &narrow, spec);
            node = graph.concatenate(&node, &grown);
            channels += GROWTH;
        }
        let name = format!("transition{}", block + 1);
        let before = graph.norm_relu(&format!("{name}.norm"), &node);
        channels /= 2;
        let spec = Convolution::new(channels, 1).plain().linear();
        let narrow = graph.convolution(&format!("{name}.compress"), &before, spec);
        node = graph.average_pool(&narrow, window);
    }
    graph.norm_relu("last.norm", &node)
}
