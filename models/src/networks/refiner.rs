//! Finds an edge exactly that the locator found roughly: a small network that sees a strip of the screenshot across the edge, as
//! wide as the locator may be off and as long as the picture. One set of weights for all four edges, each turned so that
//! what is outside comes first.

use super::{Convolution, Graph};

/// Values for each place of a strip: red, green and blue against the picture's ground, and whether it is in the screenshot.
pub const REFINER_CHANNELS: usize = 4;
/// Places across the edge, from outside to inside.
pub const REFINER_ACROSS: usize = 32;
/// Places along it.
pub const REFINER_ALONG: usize = 16;

/// From strips `[N, 4, 32, 16]` to `[1, N, 1]`: how far inside of the strip's middle the edge is, as a share of half its width.
pub fn refiner<G: Graph>(graph: &mut G, strips: &G::Node) -> G::Node {
    let node = graph.convolution("conv1", strips, Convolution::new(6, 3).stride(2, 2));
    let node = graph.convolution("conv2", &node, Convolution::new(12, 3).stride(2, 2));
    let whole = graph.flatten(&node);
    let hidden = graph.linear("connect", &whole, 12, true);
    graph.linear("off", &hidden, 1, false)
}
