//! Work on many files shared out over the cores: schemas are most of an archive's bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The least work that is worth a second thread, in bytes.
const WORTH_A_THREAD: usize = 256 << 10;

/// Does the same work on each item. `size` is the size of all items together, in bytes. The results
/// are in the items' order.
pub fn map<T: Sync, R: Send>(items: &[T], size: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads =
        std::thread::available_parallelism().map_or(1, usize::from).min(size / WORTH_A_THREAD + 1);
    if threads == 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let one = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, work(item)))
        };
        std::iter::from_fn(one).collect::<Vec<(usize, R)>>()
    };
    let mut done: Vec<Option<R>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mine = take();
        for (at, result) in others.into_iter().filter_map(|t| t.join().ok()).flatten().chain(mine) {
            done[at] = Some(result);
        }
    });
    // A thread that ended by a panic leaves its item to be done here.
    done.into_iter().zip(items).map(|(result, item)| result.unwrap_or_else(|| work(item))).collect()
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
