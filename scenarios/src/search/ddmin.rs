//! Delta debugging: the fewest of some things that still do something together.
//!
//! Zeller and Hildebrandt's *ddmin* (Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002), without the
//! step that keeps one piece alone: it takes away pieces, first large ones and then smaller ones, as long as what is left
//! still does it. Scenarios are [shrunk](super::shrink) so, and the proofs of checkers
//! ([witnesses](crate::checkers::witness)).

/// Says which is the first of so many sub-lists, made when it is their turn, that still does it.
pub(crate) type First<'a, T> =
    dyn FnMut(usize, &(dyn Fn(usize) -> Vec<T> + Sync)) -> Option<usize> + 'a;

/// The fewest of `items` that still do it: nothing of what is returned can be left out by itself. All of `items` together
/// do it, which is not tried. Late ones are left out first.
pub(crate) fn fewest<T: Clone + Sync>(items: Vec<T>, first: &mut First<'_, T>) -> Vec<T> {
    if items.is_empty() || first(1, &|_| Vec::new()).is_some() {
        return Vec::new();
    }
    let mut left = items;
    let mut pieces = 2;
    while left.len() > 1 {
        let pieces_now = pieces.min(left.len());
        let without = |piece: usize| {
            let edge = |piece: usize| piece * left.len() / pieces_now;
            // The last pieces first: what comes late is most often of no account.
            let piece = pieces_now - 1 - piece;
            let kept = left[..edge(piece)].iter().chain(&left[edge(piece + 1)..]);
            kept.cloned().collect::<Vec<T>>()
        };
        match first(pieces_now, &without) {
            Some(piece) => {
                left = without(piece);
                pieces = (pieces_now - 1).max(2);
            }
            None if pieces_now == left.len() => break,
            None => pieces = pieces_now * 2,
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fewest of the numbers below `count` that hold all of `needed`, and how many lists were tried.
    fn search(count: u32, needed: &[u32]) -> (Vec<u32>, usize) {
        let mut tried = 0;
        let left = fewest((0..count).collect(), &mut |count, make| {
            (0..count).find(|&index| {
                tried += 1;
                needed.iter().all(|n| make(index).contains(n))
            })
        });
        (left, tried)
    }

    #[test]
    fn exactly_what_is_needed_is_left() {
        assert!(search(0, &[]).0.is_empty());
        assert!(search(9, &[]).0.is_empty());
        assert_eq!(search(1, &[0]).0, [0]);
        assert_eq!(search(1_000, &[3, 500, 999]).0, [3, 500, 999]);
        assert_eq!(search(5, &[0, 1, 2, 3, 4]).0, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn few_of_many_are_found_in_few_steps() {
        let (left, tried) = search(4_096, &[17, 4_000]);
        assert_eq!(left, [17, 4_000]);
        assert!(tried < 200, "{tried}");
    }
}
