//! How is a place in a file read while other threads read other places?

use std::fs::File;
use std::io::Result;

#[cfg(not(unix))]
pub(super) use seeking::Seeking as Positioned;

/// A file that is read and written at given offsets, by any number of threads.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Positioned(File);

#[cfg(unix)]
impl Positioned {
    pub fn new(file: File) -> Positioned {
        Positioned(file)
    }

    pub fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, offset)
    }

    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }

    pub fn set_len(&self, bytes: u64) -> Result<()> {
        self.0.set_len(bytes)
    }

    pub fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }
}

/// The same with nothing but the standard library's portable calls: a lock around seeking.
#[cfg(any(not(unix), test))]
mod seeking {
    use std::fs::File;
    use std::io::{Read, Result, Seek, SeekFrom, Write};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    #[derive(Debug)]
    pub(in super::super) struct Seeking(Mutex<File>);

    impl Seeking {
        pub fn new(file: File) -> Seeking {
            Seeking(Mutex::new(file))
        }

        pub fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(bytes)
        }

        pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)
        }

        pub fn set_len(&self, bytes: u64) -> Result<()> {
            self.lock().set_len(bytes)
        }

        pub fn sync_data(&self) -> Result<()> {
            self.lock().sync_data()
        }

        /// A thread that panicked left no more behind than a place in the file.
        fn lock(&self) -> MutexGuard<'_, File> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use seeking::Seeking;

    #[test]
    fn both_read_and_write_alike() {
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let (positioned, seeking) = (Positioned::new(one), Seeking::new(other));
        for (bytes, offset) in [(&b"barn"[..], 0), (b"owls", 4), (b"o", 1), (b"", 9)] {
            positioned.write_all_at(bytes, offset).unwrap();
            seeking.write_all_at(bytes, offset).unwrap();
        }
        positioned.set_len(7).unwrap();
        seeking.set_len(7).unwrap();
        positioned.sync_data().unwrap();
        seeking.sync_data().unwrap();
        let (mut left, mut right) = ([0; 5], [0; 5]);
        for offset in 0..9 {
            let read = positioned.read_exact_at(&mut left, offset).map_err(|error| error.kind());
            assert_eq!(read, seeking.read_exact_at(&mut right, offset).map_err(|error| error.kind()));
            assert_eq!(read.is_ok(), offset <= 2);
            if read.is_ok() {
                assert_eq!(left, right);
                assert_eq!(left[..], b"bornowl"[offset as usize..offset as usize + 5]);
            }
        }
    }
}
