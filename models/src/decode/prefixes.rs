//! The starts of texts that the search has come to, as a tree: a start is a number, to lengthen it copies nothing, and the
//! same text is always the same number.

use super::BLANK;

/// A start of a text.
pub(super) type PrefixId = usize;

/// The start with nothing in it.
pub(super) const EMPTY: PrefixId = 0;
/// No start.
pub(super) const NONE: PrefixId = PrefixId::MAX;

struct Node {
    parent: PrefixId,
    label: usize,
    /// The last start that was made by lengthening this one, and the one before it that was made from the same parent.
    youngest: PrefixId,
    elder: PrefixId,
}

/// All starts, the empty one first.
pub(super) struct Prefixes {
    nodes: Vec<Node>,
}

impl Prefixes {
    /// With room for so many.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let mut nodes = Vec::with_capacity(capacity);
        nodes.push(Node { parent: NONE, label: BLANK, youngest: NONE, elder: NONE });
        Self { nodes }
    }

    /// The start that is one label longer.
    pub(super) fn lengthened(&mut self, prefix: PrefixId, label: usize) -> PrefixId {
        let youngest = self.nodes[prefix].youngest;
        let mut child = youngest;
        while child != NONE {
            if self.nodes[child].label == label {
                return child;
            }
            child = self.nodes[child].elder;
        }
        let made = self.nodes.len();
        self.nodes.push(Node { parent: prefix, label, youngest: NONE, elder: youngest });
        self.nodes[prefix].youngest = made;
        made
    }

    /// All labels, from the first.
    pub(super) fn labels(&self, prefix: PrefixId) -> Vec<usize> {
        let (mut labels, mut prefix) = (Vec::new(), prefix);
        while prefix != EMPTY {
            labels.push(self.nodes[prefix].label);
            prefix = self.nodes[prefix].parent;
        }
        labels.reverse();
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_number() {
        let mut prefixes = Prefixes::with_capacity(4);
        let a = prefixes.lengthened(EMPTY, 7);
        let (ab, aa) = (prefixes.lengthened(a, 9), prefixes.lengthened(a, 7));
        assert_eq!((prefixes.lengthened(a, 9), prefixes.lengthened(EMPTY, 7)), (ab, a));
        assert_eq!((prefixes.labels(aa), prefixes.labels(EMPTY)), (vec![7, 7], vec![]));
        assert_eq!(prefixes.labels(ab), [7, 9]);
    }
}
