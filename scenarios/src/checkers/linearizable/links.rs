//! Lists from which things are taken out and put back in the reverse order: Knuth's dancing links.

pub(super) const NONE: u32 = u32::MAX;

/// Rings of nodes. Each ring has a head, which stays.
#[derive(Debug, Default)]
pub(super) struct Links {
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Links {
    /// So many nodes, each in a ring of its own.
    pub(super) fn new(count: usize) -> Self {
        let alone: Vec<u32> = (0..count)
            .map(|n| u32::try_from(n).expect("histories are counted in 32 bits"))
            .collect();
        Self {
            next: alone.clone(),
            previous: alone,
        }
    }

    /// Puts a node that is alone at the end of a head's ring.
    pub(super) fn append(&mut self, head: u32, node: u32) {
        let last = self.previous[head as usize];
        self.next[last as usize] = node;
        self.previous[node as usize] = last;
        self.next[node as usize] = head;
        self.previous[head as usize] = node;
    }

    /// The node after another one; at the end the head.
    pub(super) fn after(&self, node: u32) -> u32 {
        self.next[node as usize]
    }

    /// Takes a node out. It remembers where it was.
    pub(super) fn take_out(&mut self, node: u32) {
        let (previous, next) = (self.previous[node as usize], self.next[node as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
    }

    /// Puts back the node that was taken out last.
    pub(super) fn put_back(&mut self, node: u32) {
        let (previous, next) = (self.previous[node as usize], self.next[node as usize]);
        self.next[previous as usize] = node;
        self.previous[next as usize] = node;
    }
}
