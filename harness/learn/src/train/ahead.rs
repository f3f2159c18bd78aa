//! Makes the next item while the current one is used.

use std::{
    panic::resume_unwind,
    sync::mpsc::{TryRecvError, sync_channel},
    thread,
    time::Duration,
};

/// Calls `make` on each item and passes the results to `each`, in order. While `each` works on one, another thread makes the
/// next. The first error of either ends it, and it is the error that a sequential loop would meet first.
pub(super) fn with_one_ahead<I: Send, T: Send, E: Send>(
    items: impl Iterator<Item = I> + Send,
    make: impl Fn(I) -> Result<T, E> + Sync + Send,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    thread::scope(|scope| {
        // The channel has no buffer: the maker waits with a finished item until it is taken.
        let (sender, receiver) = sync_channel(0);
        let maker = scope.spawn(move || {
            for item in items {
                let made = make(item);
                let failed = made.is_err();
                // The other end failed and wants no more items.
                if sender.send(made).is_err() || failed {
                    return;
                }
            }
        });
        let next = || match receiver.try_recv() {
            Ok(made) => Some(Some(made)),
            Err(TryRecvError::Disconnected) => Some(None),
            Err(TryRecvError::Empty) => None,
        };
        let used = std::iter::from_fn(|| wait_for(next)).try_for_each(|made| each(made?));
        drop(receiver); // lets the maker go, if it waits
        wait_for(|| maker.is_finished().then_some(()));
        match maker.join() {
            Ok(()) => used,
            Err(panic) => resume_unwind(panic),
        }
    })
}

/// Waits until `look` finds something. Meanwhile, a thread of rayon's pool does the pool's work. The maker sends its
/// work to the pool, and if the pool has only one thread, no other thread could do it.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            thread::sleep(Duration::from_micros(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    #[test]
    fn all_come_in_order() {
        let mut seen = Vec::new();
        let doubled = with_one_ahead(
            0..100,
            |i| Ok::<_, ()>(2 * i),
            |made| {
                seen.push(made);
                Ok(())
            },
        );
        assert_eq!(doubled, Ok(()));
        assert_eq!(seen, (0..100).map(|i| 2 * i).collect::<Vec<_>>());
        assert_eq!(with_one_ahead(std::iter::empty::<u8>(), Ok, |_| Err("none")), Ok(()));
    }

    #[test]
    fn the_next_is_made_while_one_is_used_and_no_more() {
        // Each waits for the other. Without the overlap this would never end.
        let both = Barrier::new(2);
        let made = AtomicUsize::new(0);
        let make = |i: usize| {
            made.fetch_add(1, Ordering::SeqCst);
            if i > 0 {
                both.wait();
            }
            Ok::<_, ()>(i)
        };
        let each = |i: usize| {
            if i < 3 {
                both.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
            assert!(made.load(Ordering::SeqCst) <= i + 2, "made more than one ahead");
            Ok(())
        };
        assert_eq!(with_one_ahead(0..4, make, each), Ok(()));
    }

    #[test]
    fn a_pool_of_one_thread_does_both() {
        use rayon::prelude::*;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        // The maker needs the thread that uses its items. The maker's own thread is outside the pool.
        let work = |i: u32| pool.install(|| (0..1000u32).into_par_iter().map(|n| n % (i + 2)).sum::<u32>());
        let mut sums = Vec::new();
        pool.install(|| {
            let each = |sum| {
                sums.push(sum);
                Ok::<_, ()>(())
            };
            with_one_ahead(0..20, |i| Ok(work(i)), each)
        })
        .unwrap();
        assert_eq!(sums, (0..20).map(|i| (0..1000).map(|n| n % (i + 2)).sum()).collect::<Vec<u32>>());
    }

    #[test]
    fn errors_come_at_their_place_and_end_it() {
        let run = |bad_to_make: usize, bad_to_use: usize| {
            let mut used = Vec::new();
            let make = |i| if i == bad_to_make { Err(format!("making {i}")) } else { Ok(i) };
            let error = with_one_ahead(0..10, make, |i| {
                used.push(i);
                if i == bad_to_use { Err(format!("using {i}")) } else { Ok(()) }
            });
            (error, used.len())
        };
        assert_eq!(run(3, 99), (Err("making 3".to_owned()), 3));
        assert_eq!(run(99, 3), (Err("using 3".to_owned()), 4));
        assert_eq!(run(4, 3), (Err("using 3".to_owned()), 4));
        assert_eq!(run(3, 3), (Err("making 3".to_owned()), 3));
        assert_eq!(run(99, 9), (Err("using 9".to_owned()), 10));
    }

    #[test]
    #[should_panic(expected = "made a mess")]
    fn a_panic_is_passed_on() {
        let _ = with_one_ahead(0..3, |i| if i == 1 { panic!("made a mess") } else { Ok::<_, ()>(i) }, |_| Ok(()));
    }
}
