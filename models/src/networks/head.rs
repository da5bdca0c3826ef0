//! What makes a text of a backbone's picture: recurrent layers trained with CTC, after the CRNN of Shi, Bai and Yao
//! (2015, arXiv:1507.05717), or a fixed number of characters, each with a softmax of its own.

use super::{Cell, Graph, Recurrent};

/// Characters that a fixed-length network reads, as the report's does.
pub const POSITIONS: usize = 6;
/// Width of the recurrent layers in each direction.
const HIDDEN: usize = 128;
/// Width of the first of the two fully connected layers of a fixed-length network.
const FULLY_CONNECTED: usize = 512;

/// One LSTM, from left to right.
pub(super) fn lstm<G: Graph>(graph: &mut G, features: &G::Node, labels: usize) -> G::Node {
    ctc(graph, features, "lstm", Recurrent { cell: Cell::Lstm, hidden: HIDDEN, bidirectional: false }, labels)
}

/// An LSTM in each direction.
pub(super) fn blstm<G: Graph>(graph: &mut G, features: &G::Node, labels: usize) -> G::Node {
    ctc(graph, features, "blstm", Recurrent { cell: Cell::Lstm, hidden: HIDDEN, bidirectional: true }, labels)
}

/// A GRU in each direction.
pub(super) fn gru<G: Graph>(graph: &mut G, features: &G::Node, labels: usize) -> G::Node {
    ctc(graph, features, "gru", Recurrent { cell: Cell::Gru, hidden: HIDDEN, bidirectional: true }, labels)
}

/// An SRU in each direction.
pub(super) fn sru<G: Graph>(graph: &mut G, features: &G::Node, labels: usize) -> G::Node {
    ctc(graph, features, "sru", Recurrent { cell: Cell::Sru, hidden: HIDDEN, bidirectional: true }, labels)
}

fn ctc<G: Graph>(graph: &mut G, features: &G::Node, name: &str, spec: Recurrent, labels: usize) -> G::Node {
    let sequence = graph.columns(features);
    let context = graph.recurrent(name, &sequence, spec);
    let scores = graph.linear("classify", &context, labels, false);
    graph.log_softmax(&scores)
}

/// Two fully connected layers and a softmax for each position (section 3.1 of the report).
pub(super) fn fixed<G: Graph>(graph: &mut G, features: &G::Node, labels: usize) -> G::Node {
    let whole = graph.flatten(features);
    let hidden = graph.linear("connect", &whole, FULLY_CONNECTED, true);
    let scores = graph.positions("classify", &hidden, POSITIONS, labels);
    graph.log_softmax(&scores)
}
