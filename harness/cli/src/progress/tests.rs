//! Tests what is printed about work without a terminal.

use super::*;
use std::cell::Cell;

thread_local!(static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) });
static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

fn pass(seconds: u64) {
    PASSED.set(PASSED.get() + Duration::from_secs(seconds));
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn on_a_page() -> (Progress, Page) {
    let page = Page::default();
    let progress = Progress::with(Out::Lines(Box::new(page.clone())));
    progress.state().clock = || *START + PASSED.get();
    progress.state().console().said = *START;
    (progress, page)
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn epochs_are_told_with_their_notes_and_the_time_left() {
    let (progress, page) = on_a_page();
    progress.begin("finetune ssl/corrected seed 0", 1);
    progress.begin("epoch", 4);
    progress.advance(2);
    for _ in 0..2 {
        progress.begin("batch", 2);
        (0..2).for_each(|_| {
            pass(3);
            progress.advance(1);
        });
        progress.end();
        progress.advance(1);
        progress.note("loss 0.5 · Dice 0.8");
    }
    progress.end();
    progress.advance(1);
    progress.end();
    insta::assert_snapshot!(page.text(), @r"
    finetune ssl/corrected seed 0: epoch 3/4, loss 0.5 · Dice 0.8, 6.0 s left
    finetune ssl/corrected seed 0: epoch 4/4, loss 0.5 · Dice 0.8, took 12 s
    ");
}

#[test]
fn long_counts_speak_every_ten_seconds_and_short_ones_never() {
    let (progress, page) = on_a_page();
    progress.begin("decoding pictures", 30);
    (0..30).for_each(|_| {
        pass(1);
        progress.advance(1);
    });
    progress.end();
    progress.begin("hashing", 3);
    progress.advance(3);
    progress.end();
    insta::assert_snapshot!(page.text(), @r"
    decoding pictures 10/30, 22 s left
    decoding pictures 21/30, 9.4 s left
    decoding pictures 30/30, took 30 s
    ");
}

#[test]
fn logged_lines_go_to_the_page_and_the_file_without_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.txt");
    let (progress, page) = on_a_page();
    for _ in 0..2 {
        progress.log_to(Some(&file)).unwrap();
        progress.log("caf\u{e9}\u{1b}[2J");
        progress.log_to(None).unwrap();
        progress.log("not kept");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "café\\u{1b}[2J\n".repeat(2));
    assert_eq!(page.text(), "café\\u{1b}[2J\nnot kept\n".repeat(2));
    assert!(progress.log_to(Some(&folder.path().join("no/log.txt"))).is_err());
}

#[test]
fn pieces_of_work_beside_each_other_have_bars_and_logs_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (progress, page) = on_a_page();
    let given_up = Arc::default();
    let pieces = ["one", "two"].map(|name| {
        let piece = progress.beside(&given_up);
        piece.log_to(Some(&folder.path().join(name))).unwrap();
        piece.begin(name, 1);
        piece.begin("epoch", 2);
        piece
    });
    for epoch in 1..=2 {
        for piece in &pieces {
            pass(7);
            piece.advance(1);
            piece.note("loss 0.5");
            piece.log(&format!("epoch {epoch}"));
        }
    }
    for piece in &pieces {
        piece.end();
        piece.end();
    }
    insta::assert_snapshot!(page.text(), @r"
    one: epoch 1
    two: epoch 1
    one: epoch 2
    two: epoch 2
    one: epoch 2/2, loss 0.5, took 28 s
    two: epoch 2/2, loss 0.5, took 28 s
    ");
    for name in ["one", "two"] {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), "epoch 1\nepoch 2\n");
    }
    given_up.store(true, Ordering::SeqCst);
    assert!(pieces.iter().all(Monitor::stopped) && !progress.stopped());
    let apart = progress.beside(&Arc::default());
    assert!(!apart.stopped());
    progress.stop.store(true, Ordering::SeqCst);
    assert!(apart.stopped());
}

#[test]
fn unmatched_calls_do_no_harm() {
    let (progress, page) = on_a_page();
    progress.end();
    progress.advance(1);
    progress.note("x");
    assert!(!progress.stopped());
    assert_eq!(page.text(), "");
}

#[test]
fn times_as_one_says_them() {
    let said = [0, 9, 41, 200, 7500].map(|seconds| human(Duration::from_secs(seconds)));
    assert_eq!(said, ["0.0 s", "9.0 s", "41 s", "3 min 20 s", "2 h 05 min"]);
}
