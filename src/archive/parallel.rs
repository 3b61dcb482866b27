//! Work on many files shared out over the cores: schemas are most of an archive's bytes.

use rayon::prelude::*;

/// The least work that is worth a second thread, in bytes.
const WORTH_A_THREAD: usize = 256 << 10;

/// Does the same work on each item. `size` is the size of all items together, in bytes. The results
/// are in the items' order.
pub fn map<T: Sync, R: Send>(
    items: &[T],
    size: usize,
    work: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    match size < WORTH_A_THREAD {
        true => items.iter().map(work).collect(),
        false => items.par_iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..500).collect();
        let twice: Vec<usize> = items.iter().map(|i| i * 2).collect();
        assert_eq!(super::map(&items, 10 << 20, |i| i * 2), twice);
        assert_eq!(super::map(&items, 0, |i| i * 2), twice);
    }
}
