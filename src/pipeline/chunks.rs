//! One sequential read, spread over all threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::prelude::*;

use crate::corpus::{Chunk, ReadSettings, Shard, ShardDigest, read_shard};
use crate::error::{Error, Result};

/// Reads `shards` one after the other; `work` sees each chunk on some thread, `take` its answer in document order.
///
/// At most a few chunks for each thread are in memory. The first error of reading or of `take` ends it.
pub fn for_each_chunk<T: Send>(
    shards: &[Shard],
    settings: &ReadSettings,
    work: impl Fn(usize, Chunk) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<()>,
) -> Result<Vec<ShardDigest>> {
    let batch = 2 * rayon::current_num_threads();
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(batch);
        let reader = scope.spawn(move || read_all(shards, settings, &sender));
        let taken = take_all(&receiver, batch, &work, &mut take);
        drop(receiver); // a reader that is still at work stops at its next chunk
        let digests = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(digests)
    })
}

fn read_all(
    shards: &[Shard],
    settings: &ReadSettings,
    sender: &SyncSender<(usize, Chunk)>,
) -> Result<Vec<ShardDigest>> {
    let read = |(number, shard)| {
        read_shard(shard, settings, &mut |chunk| {
            sender.send((number, chunk)).map_err(|_| Error::Run("reading was stopped".to_owned()))
        })
    };
    shards.iter().enumerate().map(read).collect()
}

fn take_all<T: Send>(
    receiver: &Receiver<(usize, Chunk)>,
    batch: usize,
    work: &(impl Fn(usize, Chunk) -> T + Sync),
    take: &mut impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let mut chunks = vec![first];
        chunks.extend(receiver.try_iter().take(batch - 1));
        let done: Vec<(usize, T)> =
            chunks.into_par_iter().map(|(shard, chunk)| (shard, work(shard, chunk))).collect();
        for (shard, answer) in done {
            take(shard, answer)?;
        }
    }
    Ok(())
}
