//! The report's network for texts of six characters (section 3.1): four convolutions, each with max-pooling, and two
//! fully connected layers of which the last scores 62 symbols at each of six places.

use super::{Convolution, Graph, head};

pub(super) fn build<G: Graph>(graph: &mut G, images: &G::Node, labels: usize) -> G::Node {
    // Sizes for a 128x48 picture, width first.
    let node = graph.convolution("conv1", images, Convolution::new(32, 3));
    let node = graph.max_pool(&node, (2, 2)); // 64x24
    let node = graph.convolution("conv2", &node, Convolution::new(48, 3));
    let node = graph.max_pool(&node, (2, 2)); // 32x12
    let node = graph.convolution("conv3", &node, Convolution::new(64, 3));
    let node = graph.max_pool(&node, (2, 2)); // 16x6
    let node = graph.convolution("conv4", &node, Convolution::new(128, 3));
    let node = graph.max_pool(&node, (2, 2)); // 8x3
    head::fixed(graph, &node, labels)
}
