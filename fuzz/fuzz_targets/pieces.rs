//! Do the pieces of a shard tile its bytes, however they are packed, torn and read?
//!
//! Four bytes of choices and a payload in; the payload becomes a file, read once and mapped once, with different chunk
//! sizes. What comes out is held against the obvious way to cut a text at its line ends.

#![no_main]

use std::io::{Cursor, Read, Write};
use std::sync::OnceLock;

use dittograph::corpus::{
    Chunk, Compression, Format, Part, PieceKind, ReadMode, ReadSettings, Shard, ShardDigest, decoder,
    read_shard, writer,
};
use dittograph::error::Error;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[choice, sizes, other_chunk, cut], payload)) = data.split_first_chunk() else { return };
    if payload.len() > LONGEST_PAYLOAD {
        return;
    }
    let format = if choice & 1 == 0 { Format::Jsonl } else { Format::Text };
    let compression = [Compression::None, Compression::Gzip, Compression::Zstd][usize::from(choice >> 1) % 3];
    let packing =
        [Packing::AsItIs, Packing::Packed, Packing::Cut, Packing::Flipped][usize::from(choice >> 4) % 4];
    let file = packed(payload, compression, packing, cut);
    if packing == Packing::Packed {
        let plain = Plain { bytes: payload.to_vec(), torn: false };
        assert_eq!(unpacked(&file, compression), Some(plain), "what was packed is not what is unpacked");
    }
    let Some(plain) = unpacked(&file, compression) else { return };
    if packing == Packing::Cut && compression != Compression::None {
        assert!(payload.starts_with(&plain.bytes), "a file that was cut short holds other bytes");
        assert_eq!(plain.torn, !file.is_empty(), "only an empty file looks whole when it was cut");
    }

    let max_record = MAX_RECORDS[usize::from(sizes & 7)];
    let expected = cut_slowly(format, &plain, max_record);
    let shard = shard_of(format, compression, &file);
    // SAFETY: the file lies in this process's own folder, and is written again only after it was read.
    let mapped = unsafe { ReadMode::mapped() };
    let digests = [(sizes >> 3, ReadMode::default()), (other_chunk, mapped)].map(|(chunk, mode)| {
        let settings = ReadSettings { max_record, chunk_bytes: chunk_bytes_of(chunk), mode };
        let (found, digest) = read(&shard, &settings);
        assert_eq!(found.bytes, plain.bytes, "{settings:?}");
        assert_eq!(found.torn, plain.torn, "{settings:?}");
        assert_eq!(found.pieces, expected, "{settings:?}");
        assert_eq!(digest.bytes, plain.bytes.len() as u64);
        digest
    });
    assert_eq!(digests[0], digests[1], "the digest depends on how the file is read");
});

const LONGEST_PAYLOAD: usize = 64 << 10;

/// More is not unpacked: 64 KiB of zstd can hold 2 GiB of one byte.
const MOST_UNPACKED: usize = 256 << 10;

const MAX_RECORDS: [u64; 8] = [0, 1, 2, 5, 16, 100, 3_000, 64 << 20];

/// From 0 bytes (which means 1) to some, and to sizes that span several reads.
fn chunk_bytes_of(choice: u8) -> usize {
    match choice {
        0..200 => usize::from(choice),
        _ => usize::from(choice - 199) << 12,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Packing {
    /// The payload is the file: mostly garbage to a decoder.
    AsItIs,
    Packed,
    /// Packed, and the end is missing.
    Cut,
    /// Packed, and one byte is another.
    Flipped,
}

fn packed(payload: &[u8], compression: Compression, packing: Packing, cut: u8) -> Vec<u8> {
    if packing == Packing::AsItIs {
        return payload.to_vec();
    }
    let mut packer = writer(Vec::new(), compression).expect("memory for a codec");
    packer.write_all(payload).expect("a vector takes all bytes");
    let mut file = packer.finish().expect("a vector takes all bytes");
    let place = file.len() * usize::from(cut) / 256;
    match packing {
        Packing::Cut => file.truncate(place),
        Packing::Flipped if !file.is_empty() => file[place] ^= 1 << (cut % 8),
        _ => {}
    }
    file
}

/// What a file holds, up to where it is torn.
#[derive(Debug, PartialEq)]
struct Plain {
    bytes: Vec<u8>,
    torn: bool,
}

/// Unpacks a few bytes at a time; `None` where there are too many.
fn unpacked(file: &[u8], compression: Compression) -> Option<Plain> {
    let mut source = decoder(Cursor::new(file.to_vec()), compression).expect("memory for a codec");
    let mut plain = Plain { bytes: Vec::new(), torn: false };
    let mut buffer = [0; 7];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Some(plain),
            Ok(read) => plain.bytes.extend_from_slice(&buffer[..read]),
            Err(error) => {
                let again = source.read(&mut buffer).map_err(|error| error.to_string());
                assert_eq!(again, Err(error.to_string()), "reading beyond a tear goes on failing");
                plain.torn = true;
                return Some(plain);
            }
        }
        if plain.bytes.len() > MOST_UNPACKED {
            return None;
        }
    }
}

/// A piece, with the fragments of one record joined: kind, bytes, line, ordinal.
type Cut = (Kind, Vec<u8>, u64, u64);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Record,
    Framing,
    TooLong,
    Torn,
}

fn cut_slowly(format: Format, plain: &Plain, max_record: u64) -> Vec<Cut> {
    let mut pieces = Vec::new();
    let (mut line, mut ordinal) = (1, 0);
    let mut push = |kind, bytes: &[u8]| {
        pieces.push((kind, bytes.to_vec(), line, ordinal));
        line += u64::from(bytes.ends_with(b"\n"));
        ordinal += u64::from(kind != Kind::Framing);
    };
    let mut rest = plain.bytes.as_slice();
    if let Some(text) = rest.strip_prefix(b"\xef\xbb\xbf") {
        push(Kind::Framing, b"\xef\xbb\xbf");
        rest = text;
    }
    let is_long = |bytes: &[u8]| bytes.len() as u64 > max_record;
    let is_jsonl = format == Format::Jsonl;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n' && is_jsonl) {
        let (whole, after) = rest.split_at(end + 1);
        match (is_long(whole), whole.trim_ascii().is_empty()) {
            (true, _) => push(Kind::TooLong, whole),
            (false, true) => push(Kind::Framing, whole),
            (false, false) => push(Kind::Record, whole),
        }
        rest = after;
    }
    match (is_long(rest), plain.torn) {
        (true, _) => push(Kind::TooLong, rest),
        (false, true) => push(Kind::Torn, rest),
        (false, false) if is_jsonl && rest.is_empty() => {}
        (false, false) if is_jsonl && rest.trim_ascii().is_empty() => push(Kind::Framing, rest),
        (false, false) => push(Kind::Record, rest),
    }
    pieces
}

/// One file for all runs of this process.
fn shard_of(format: Format, compression: Compression, file: &[u8]) -> Shard {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
    let path = folder.path().join("shard");
    std::fs::write(&path, file).expect("room for a small file");
    Shard {
        name: "shard".to_owned(),
        format,
        folder: false,
        parts: vec![Part { path, name: "shard".to_owned(), compression }],
        site: "site".to_owned(),
    }
}

/// What was read of a shard.
#[derive(Default)]
struct Found {
    bytes: Vec<u8>,
    pieces: Vec<Cut>,
    /// Whether the last piece is a fragment that is not the last of its record.
    open: bool,
    torn: bool,
}

fn read(shard: &Shard, settings: &ReadSettings) -> (Found, ShardDigest) {
    let mut found = Found::default();
    let outcome = read_shard(shard, settings, &mut |chunk| {
        add(&mut found, &chunk, settings);
        if found.bytes.len() > MOST_UNPACKED { Err(Error::Run("too much".to_owned())) } else { Ok(()) }
    });
    assert!(!found.open, "a record without an end");
    (found, outcome.expect("damage is no error"))
}

fn add(found: &mut Found, chunk: &Chunk, settings: &ReadSettings) {
    assert!(!found.torn, "a chunk after the tear");
    assert_eq!(chunk.offset, found.bytes.len() as u64);
    let first = chunk.pieces.first().expect("a chunk without a piece");
    assert_eq!((chunk.first_line, chunk.first_ordinal), (first.line, first.ordinal));
    let most = settings.max_record as usize + settings.chunk_bytes.max(1) + 3; // a byte order mark is held in any case
    assert!(chunk.bytes.len() <= most, "{} bytes in a chunk by {settings:?}", chunk.bytes.len());
    let mut end = 0;
    for piece in &chunk.pieces {
        assert!(piece.start == end && piece.end >= end, "{piece:?} after {end}");
        end = piece.end;
        let (kind, last) = match piece.kind {
            PieceKind::Record => (Kind::Record, true),
            PieceKind::Framing => (Kind::Framing, true),
            PieceKind::Fragment { last } => (Kind::TooLong, last),
            PieceKind::Torn => (Kind::Torn, true),
        };
        let bytes = chunk.bytes_of(piece);
        match found.pieces.last_mut() {
            Some(before) if found.open => {
                assert_eq!((kind, piece.line, piece.ordinal), (before.0, before.2, before.3));
                before.1.extend_from_slice(bytes);
            }
            _ => found.pieces.push((kind, bytes.to_vec(), piece.line, piece.ordinal)),
        }
        found.open = !last;
    }
    assert_eq!(end, chunk.bytes.len(), "the pieces do not tile the chunk");
    found.bytes.extend_from_slice(&chunk.bytes);
    found.torn = chunk.damage.is_some();
}
