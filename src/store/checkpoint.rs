//! Where does a run that was killed go on?
//!
//! A payload in, which says how far the run came and holds the saved states of its stores; the same payload out, to the
//! next run. The file `checkpoint` of the [`Workspace`] is replaced as a whole: at any moment it is the former one or the
//! new one. It is handed out to a run of the same program with the same binding alone: a run that starts anew needlessly
//! costs time, one that goes on from what does not fit would leave wrong answers.
//!
//! In the file stand: a magic, the number of the format, XXH3-64 of what follows (both little endian), and, as postcard
//! writes them, a head and the payload.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Workspace;
use super::faults::Operation;
use super::file::{OpenFile, unusable};
use super::workspace::{CHECKPOINT, NEW_CHECKPOINT};
use crate::error::{Error, Result};

/// The saved state of a run.
#[derive(Debug)]
pub struct Checkpoint;

const MAGIC: &[u8; 16] = b"dittograph state";

/// To be raised when anything of what stands below changes its form, saved states of stores included.
const FORMAT: u32 = 1;

/// So many bytes stand before the head.
const BEFORE: usize = MAGIC.len() + 4 + 8;

#[derive(Serialize, Deserialize)]
struct Head {
    version: String,
    binding: u128,
    /// No file of a store that was ever named has this number or a greater one.
    numbers: u64,
}

impl Checkpoint {
    /// Puts this in place of the workspace's checkpoint, durably. `binding` is a hash of all that the answers depend on,
    /// such as settings and inputs. The states in `payload` are durable already, as saving them made them so.
    ///
    /// After an error the former checkpoint is as good as before, or the new one stands whole in its place. Cost: one small
    /// write, one sync of it and two of the folder.
    pub fn write<T: Serialize>(workspace: &Workspace, binding: u128, payload: &T) -> Result<()> {
        let (path, new) = (workspace.folder().join(CHECKPOINT), workspace.folder().join(NEW_CHECKPOINT));
        if !workspace.outlives() {
            return Err(Error::Run(format!(
                "{}: goes with its run, and no state of it can be saved",
                path.display()
            )));
        }
        let head = Head { version: VERSION.into(), binding, numbers: workspace.numbers() };
        let packed =
            postcard::to_extend(&head, Vec::new()).and_then(|head| postcard::to_extend(payload, head));
        let packed =
            packed.map_err(|error| Error::Run(format!("{}: cannot be written: {error}", path.display())))?;
        let bytes = [&MAGIC[..], &FORMAT.to_le_bytes(), &xxh3_64(&packed).to_le_bytes(), &packed].concat();

        if !workspace.take_room(bytes.len() as u64) {
            return Err(workspace.failed(&new, ErrorKind::StorageFull.into()));
        }
        let former = fs::metadata(&path).map_or(0, |about| about.len());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let written = workspace
            .meet(Operation::Create, 0)
            .and_then(|_| options.open(&new))
            .and_then(|file| put(&OpenFile::of(file, &new, workspace), &bytes));
        // The names of new files must be there whenever the checkpoint is that names them.
        let placed = written.map_err(|error| workspace.failed(&new, error)).and_then(|()| {
            workspace.sync_folder()?;
            let renamed = workspace.meet(Operation::Rename, 0).and_then(|_| fs::rename(&new, &path));
            renamed.map_err(|error| workspace.failed(&path, error))
        });
        if placed.is_err() {
            let _ = fs::remove_file(&new);
            workspace.give_room(bytes.len() as u64);
            return placed;
        }
        workspace.give_room(former);
        workspace.sync_folder()
    }

    /// The payload of the workspace's checkpoint; none where there is no checkpoint. An error that says what differs where
    /// it is damaged, was written by another version of the program, or has another binding.
    pub fn read<T: DeserializeOwned>(workspace: &Workspace, binding: u128) -> Result<Option<T>> {
        let path = workspace.folder().join(CHECKPOINT);
        let bytes = match workspace.meet(Operation::Read, 0).and_then(|_| fs::read(&path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|error| workspace.failed(&path, error))?,
        };
        let damaged = || unusable(&path, "is damaged, and the run cannot go on from it");
        let (before, packed) = bytes.split_at_checked(BEFORE).ok_or_else(damaged)?;
        let (magic, rest) = before.split_at(MAGIC.len());
        let (format, hash) = rest.split_at(4);
        if magic != MAGIC {
            return Err(damaged());
        }
        if format != FORMAT.to_le_bytes() {
            return Err(unusable(&path, "was written by another version of dittograph, or is damaged"));
        }
        if hash != xxh3_64(packed).to_le_bytes() {
            return Err(damaged());
        }
        let (head, payload) = postcard::take_from_bytes::<Head>(packed).map_err(|_| damaged())?;
        if head.version != VERSION {
            let versions = format!("was written by dittograph {}, and this is {VERSION}", head.version);
            return Err(unusable(&path, &versions));
        }
        if head.binding != binding {
            return Err(unusable(&path, "was written with other settings or for other inputs"));
        }
        workspace.pass_over(head.numbers);
        postcard::from_bytes(payload).map(Some).map_err(|_| damaged())
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn put(open: &OpenFile, bytes: &[u8]) -> io::Result<()> {
    open.write(0, bytes)?;
    open.sync_all()
}
