//! One sequential read, spread over all threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::corpus::{Chunk, ReadSettings, Shard, ShardDigest, read_shard};
use crate::error::{Error, Result};

/// What comes of a shard: one answer after the other, and what it held at its end.
pub enum Read<T> {
    /// What was made of a chunk.
    Chunk(T),
    /// No chunk follows.
    End(ShardDigest),
}

/// A place between two chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The shard.
    pub shard: usize,
    /// How many chunks of it come before.
    pub chunks: u64,
}

impl Place {
    /// How many chunks of a shard come before, if the place is in it.
    pub fn chunks_of(self, shard: usize) -> u64 {
        if self.shard == shard { self.chunks } else { 0 }
    }
}

/// Reads `shards` one after the other, from a place on; `work` sees each chunk on some thread, `take` its answer in
/// document order.
///
/// Where the place is within a shard, what comes before is read, but neither worked on nor taken. At most a few chunks for
/// each thread are in memory. The first error of reading or of `take` ends it.
pub fn for_each_chunk<T: Send>(
    shards: &[Shard],
    from: Place,
    settings: &ReadSettings,
    work: impl Fn(usize, Chunk) -> T + Sync,
    mut take: impl FnMut(usize, Read<T>) -> Result<()>,
) -> Result<()> {
    let batch = 2 * rayon::current_num_threads();
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(batch);
        let reader = scope.spawn(move || read_all(shards, from, settings, &sender));
        let taken = take_all(&receiver, batch, &work, &mut take);
        drop(receiver); // a reader that is still at work stops at its next chunk
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(read)
    })
}

fn read_all(
    shards: &[Shard],
    from: Place,
    settings: &ReadSettings,
    sender: &SyncSender<(usize, Read<Chunk>)>,
) -> Result<()> {
    for (number, shard) in shards.iter().enumerate().skip(from.shard) {
        let send =
            |read| sender.send((number, read)).map_err(|_| Error::Run("reading was stopped".to_owned()));
        let mut before = if number == from.shard { from.chunks } else { 0 };
        let digest = read_shard(shard, settings, &mut |chunk| {
            if before > 0 {
                before -= 1;
                return Ok(());
            }
            send(Read::Chunk(chunk))
        })?;
        send(Read::End(digest))?;
    }
    Ok(())
}

fn take_all<T: Send>(
    receiver: &Receiver<(usize, Read<Chunk>)>,
    batch: usize,
    work: &(impl Fn(usize, Chunk) -> T + Sync),
    take: &mut impl FnMut(usize, Read<T>) -> Result<()>,
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let mut chunks = vec![first];
        chunks.extend(receiver.try_iter().take(batch - 1));
        let worked = |(shard, read): (usize, Read<Chunk>)| match read {
            Read::Chunk(chunk) => (shard, Read::Chunk(work(shard, chunk))),
            Read::End(digest) => (shard, Read::End(digest)),
        };
        let done: Vec<(usize, Read<T>)> = chunks.into_par_iter().map(worked).collect();
        done.into_iter().try_for_each(|(shard, answer)| take(shard, answer))?;
    }
    Ok(())
}
