//! Files of fits that somebody changed: refused, or fits; and what memory reading them takes.

mod changed_files;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use changed_files::{Change, Saved};

/// Bytes that are allocated, and the most there were.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Changes from a counter.
fn changes(number: u64) -> Vec<Change> {
    let word = |n: u64| {
        let mixed = (number * 8 + n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 32)
    };
    let change = |n| {
        let word = word(n);
        (word as u8, (word >> 8) as u16, word >> 24)
    };
    (0..1 + number % 3).map(change).collect()
}

#[test]
fn changed_files_are_refused_or_fits_and_take_little_memory() {
    const RUNS: u64 = 1_000;
    let files = Saved::all();
    let mut loaded = 0;
    for number in 0..RUNS {
        let file = &files[number as usize % files.len()];
        let changes = changes(number / files.len() as u64);
        let before = NOW.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        loaded += usize::from(file.check(&changes));
        let most = MOST.load(Ordering::Relaxed) - before;
        // A program of a few rows takes a megabyte or two by itself.
        assert!(
            most < (1 << 23) + 50 * file.bytes.len(),
            "{most} bytes by {changes:?}"
        );
    }
    // Some change only what nothing depends on, such as seconds.
    assert!(loaded > 10 && loaded < RUNS as usize / 2, "{loaded}");
}
