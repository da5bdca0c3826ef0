//! A small residual network: a strided stem and four pairs of basic blocks (He et al. 2015, arXiv:1512.03385). It gives
//! up height four times and width only twice, so that 32 columns are left of 128.

use super::{Convolution, Graph};

pub(super) fn backbone<G: Graph>(graph: &mut G, images: &G::Node) -> G::Node {
    let mut node = graph.convolution("stem", images, Convolution::new(24, 5).stride(2, 2));
    let mut channels = 24;
    // Channels, and the strides of the first block of each pair.
    for (stage, (width, stride)) in
        [(24, (1, 1)), (48, (2, 2)), (64, (2, 1)), (96, (2, 1))].into_iter().enumerate()
    {
        for block in 0..2 {
            let name = format!("stage{}.block{}", stage + 1, block + 1);
            let stride = if block == 0 { stride } else { (1, 1) };
            let first = Convolution::new(width, 3).stride(stride.0, stride.1);
            let inner = graph.convolution(&format!("{name}.conv1"), &node, first);
            let inner =
                graph.convolution(&format!("{name}.conv2"), &inner, Convolution::new(width, 3).linear());
            node = if channels == width && stride == (1, 1) {
                graph.add_relu(&inner, &node)
            } else {
                let spec = Convolution::new(width, 1).stride(stride.0, stride.1).linear();
                let shortcut = graph.convolution(&format!("{name}.shortcut"), &node, spec);
                graph.add_relu(&inner, &shortcut)
            };
            channels = width;
        }
    }
    node
}
