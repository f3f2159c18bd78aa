//! Files that are written whole or not at all, and locks between processes.

use crate::{RecordError, Result, monitor::Monitor};
use std::{
    fs::{self, File, TryLockError},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The wait between two attempts to take a lock.
const PATIENCE: Duration = Duration::from_millis(200);

/// Writes `bytes` to `path` atomically: a reader, or a crash at any moment, sees the old file or the new one, never a part.
/// Uses a temporary file beside it, fsync, rename, and fsync of the folder. Missing folders are created.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes).map_err(io("write", path)))
}

/// Does the same as [`write`] for content too long for memory: `content` writes it. If it fails, nothing is left.
pub fn write_with<E: From<RecordError>>(
    path: &Path,
    content: impl FnOnce(&mut File) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io("write", path))?;
    let temporary = temporary_beside(path);
    let written = File::create(&temporary).map_err(|error| io("write", path)(error).into()).and_then(|mut file| {
        content(&mut file)?;
        let ended = file.sync_all().and_then(|()| fs::rename(&temporary, path)).and_then(|()| sync_folder(folder));
        ended.map_err(|error| io("write", path)(error).into())
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // the first error is the one to report
    }
    written
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RecordError {
    move |source| RecordError::Io { action, path: path.to_owned(), source }
}

/// Reads the file at `path`; fails if it has more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let io = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    if bytes > limit {
        return Err(RecordError::TooLarge { path: path.to_owned(), bytes, limit });
    }
    let mut data = Vec::with_capacity(bytes as usize);
    file.take(limit).read_to_end(&mut data).map_err(io)?;
    Ok(data)
}

/// Removes temporary files that a killed process left in `folder` (not below it). The caller must hold the folder's lock.
pub fn sweep(folder: &Path) -> Result<()> {
    let io = |source| RecordError::Io { action: "list", path: folder.to_owned(), source };
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && Path::new(&name).extension().is_some_and(|x| x == "tmp") {
            fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    Ok(())
}

fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}.{n}.tmp", std::process::id()))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(()) // folders cannot be opened for syncing here; the rename itself is atomic
}

/// An exclusive lock on a file, released when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path`, or returns `None` when another process holds it.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(RecordError::Io { action: "lock", path: path.to_owned(), source }),
        }
    }

    /// Takes the lock at `path`, waiting while another process holds it; `waiting` is logged once in that case. `None` if the
    /// user asked to stop.
    pub fn wait(path: &Path, waiting: &str, monitor: &dyn Monitor) -> Result<Option<Self>> {
        let mut told = false;
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            if !told {
                monitor.log(waiting);
                told = true;
            }
            if monitor.stopped() {
                return Ok(None);
            }
            std::thread::sleep(PATIENCE);
        }
    }

    fn open(path: &Path) -> Result<File> {
        let io = |source| RecordError::Io { action: "lock", path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        File::options().create(true).truncate(false).write(true).open(path).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.csv");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn only_temporary_files_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".spec.yaml.17.3.tmp", "spec.yaml", ".hidden"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        sweep(folder.path()).unwrap();
        assert!(!folder.path().join(".spec.yaml.17.3.tmp").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        sweep(&folder.path().join("missing")).unwrap();
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        write(&path, &[0; 11]).unwrap();
        assert!(matches!(read(&path, 10), Err(RecordError::TooLarge { bytes: 11, .. })));
    }

    #[test]
    fn a_lock_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::try_take(&path).unwrap();
        assert!(first.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(first);
        assert!(Lock::try_take(&path).unwrap().is_some());
    }

    /// Releases a lock, or gives up, when it hears that somebody waits.
    struct Told(std::sync::Mutex<Option<Lock>>, std::sync::atomic::AtomicBool);

    impl Monitor for Told {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn note(&self, _: &str) {}
        fn end(&self) {}
        fn log(&self, line: &str) {
            assert_eq!(line, "waiting for the other");
            assert!(self.0.lock().unwrap().take().is_some(), "told twice");
        }
        fn stopped(&self) -> bool {
            self.1.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn who_waits_for_a_lock_says_so_and_gets_it_or_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let held = || Lock::try_take(&path).unwrap().map(Some).unwrap();
        let told = Told(held().into(), false.into());
        let lock = Lock::wait(&path, "waiting for the other", &told).unwrap().unwrap();
        // A stopped process gets no lock that another one holds.
        let told = Told(Lock::try_take(&folder.path().join("b.lock")).unwrap().into(), true.into());
        assert!(Lock::wait(&path, "waiting for the other", &told).unwrap().is_none());
        drop(lock);
        assert!(Lock::wait(&path, "waiting for the other", &told).unwrap().is_some());
    }
}
