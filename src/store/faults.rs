//! What if a disk fails?
//!
//! A plan of faults in, the same errors out that a system would give. For tests, ours and those of whoever uses a
//! [`Workspace`](super::Workspace); without a plan it costs one look at a pointer for each operation.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new file.
    Create,
    /// One call that writes, which may write less than it was given.
    Write,
    /// One call that reads, which may read less than it was asked for.
    Read,
    /// A file or folder is made durable.
    Sync,
    /// A file gets another name.
    Rename,
}

/// How many operations there are.
const OPERATIONS: usize = 5;

/// Faults that a workspace's files meet.
#[derive(Debug, Default)]
pub struct Faults {
    failing: Option<Failing>,
    most_bytes: Option<usize>,
    seen: [AtomicU64; OPERATIONS],
}

#[derive(Debug)]
struct Failing {
    operation: Operation,
    /// How many of its kind go well before.
    well: u64,
    kind: ErrorKind,
}

impl Faults {
    /// None: every operation goes well, and is counted.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// The same, and each `operation` fails like `kind` after `well` of them went well.
    pub fn failing(self, operation: Operation, well: u64, kind: ErrorKind) -> Faults {
        Faults { failing: Some(Failing { operation, well, kind }), ..self }
    }

    /// The same, and no call reads or writes more than so many bytes (one at least).
    pub fn short(self, most_bytes: usize) -> Faults {
        Faults { most_bytes: Some(most_bytes.max(1)), ..self }
    }

    /// How often `operation` was asked for.
    pub fn seen(&self, operation: Operation) -> u64 {
        self.seen[operation as usize].load(Relaxed)
    }

    /// How many of these bytes the next call may move.
    pub(super) fn meet(&self, operation: Operation, bytes: usize) -> io::Result<usize> {
        let before = self.seen[operation as usize].fetch_add(1, Relaxed);
        match &self.failing {
            Some(failing) if failing.operation == operation && before >= failing.well => {
                Err(failing.kind.into())
            }
            _ => Ok(bytes.min(self.most_bytes.unwrap_or(usize::MAX))),
        }
    }
}
