//! Finds what is to be read in a screenshot: a few strided convolutions and two fully connected layers that give four edges,
//! and whether the picture is of the kind that a special model reads. It sees colours, since a pale picture on a white page
//! has no other edge.

use super::{Convolution, Graph};

/// Rows that the locator sees a screenshot in, whatever it had.
pub const LOCATOR_HEIGHT: usize = 32;
/// Columns that it sees it in.
pub const LOCATOR_WIDTH: usize = 96;

/// What it says of each: four edges of a picture that the Python library drew, four of the text in any other, and which it is.
pub const LOCATOR_FINDINGS: usize = 9;

/// From screenshots `[N, 3, 32, 96]`, their values from -1 to 1, to `[1, N, 9]`: the left, top, right and bottom edge
/// of what is to be read, as shares of the screenshot's width and height, each less what it is where that fills the screenshot,
/// first as they are if the Python library drew the picture, then as they are if not; and the log odds that it did.
pub fn locator<G: Graph>(graph: &mut G, screenshots: &G::Node) -> G::Node {
    let node = graph.convolution("conv1", screenshots, Convolution::new(8, 5).stride(2, 2));
    let node = graph.convolution("conv2", &node, Convolution::new(16, 3).stride(2, 2));
    let node = graph.convolution("conv3", &node, Convolution::new(32, 3).stride(2, 2));
    let node = graph.convolution("conv4", &node, Convolution::new(32, 3));
    let whole = graph.flatten(&node);
    let hidden = graph.linear("connect", &whole, 96, true);
    graph.linear("found", &hidden, LOCATOR_FINDINGS, false)
}
