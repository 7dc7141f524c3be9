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

    /// Reads as many bytes as the system likes to; none at the end.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, bytes, offset)
    }

    /// Writes as many bytes as the system likes to.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }

    pub fn len(&self) -> Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    pub fn set_len(&self, bytes: u64) -> Result<()> {
        self.0.set_len(bytes)
    }

    pub fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }

    pub fn sync_all(&self) -> Result<()> {
        self.0.sync_all()
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

        pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(offset))?;
            file.read(bytes)
        }

        pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(offset))?;
            file.write(bytes)
        }

        pub fn len(&self) -> Result<u64> {
            Ok(self.lock().metadata()?.len())
        }

        pub fn set_len(&self, bytes: u64) -> Result<()> {
            self.lock().set_len(bytes)
        }

        pub fn sync_data(&self) -> Result<()> {
            self.lock().sync_data()
        }

        pub fn sync_all(&self) -> Result<()> {
            self.lock().sync_all()
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
            assert_eq!(positioned.write_at(bytes, offset).unwrap(), bytes.len());
            assert_eq!(seeking.write_at(bytes, offset).unwrap(), bytes.len());
        }
        positioned.set_len(7).unwrap();
        seeking.set_len(7).unwrap();
        positioned.sync_data().and(positioned.sync_all()).unwrap();
        seeking.sync_data().and(seeking.sync_all()).unwrap();
        assert_eq!((positioned.len().unwrap(), seeking.len().unwrap()), (7, 7));
        for offset in 0..9 {
            let (mut left, mut right) = ([0; 5], [0; 5]);
            let read = positioned.read_at(&mut left, offset).unwrap();
            assert_eq!(read, seeking.read_at(&mut right, offset).unwrap());
            assert_eq!(left, right);
            let expected = b"bornowl".get(offset as usize..).unwrap_or(&[]);
            assert_eq!(left[..read], expected[..expected.len().min(5)]);
        }
    }
}
