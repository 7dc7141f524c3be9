use std::fs;
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::corpus::{Compression, writer};

/// A piece as the tests compare it: the fragments of one record are put together.
type Found = (Kind, Vec<u8>, u64, u64);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Record,
    Framing,
    TooLong,
    Torn,
}

fn pack(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut writer = writer(Vec::new(), compression).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn part(folder: &Path, name: &str, bytes: &[u8], compression: Compression) -> Part {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    Part { path, name: name.to_owned(), compression }
}

fn shard(format: Format, parts: Vec<Part>) -> Shard {
    let folder = parts.len() != 1;
    Shard { name: "a".to_owned(), format, folder, parts, site: "a".to_owned() }
}

fn settings(chunk_bytes: usize, max_record: u64) -> ReadSettings {
    ReadSettings { max_record, chunk_bytes, ..ReadSettings::default() }
}

fn chunks_of(shard: &Shard, settings: &ReadSettings) -> (Vec<Chunk>, ShardDigest) {
    let mut chunks = Vec::new();
    let mut each = |chunk| {
        chunks.push(chunk);
        Ok(())
    };
    let digest = read_shard(shard, settings, &mut each).unwrap();
    (chunks, digest)
}

fn chunks_of_bytes(
    format: Format,
    bytes: &[u8],
    compression: Compression,
    settings: &ReadSettings,
) -> Vec<Chunk> {
    let folder = tempfile::tempdir().unwrap();
    chunks_of(&shard(format, vec![part(folder.path(), "part", bytes, compression)]), settings).0
}

/// Checks what every chunk promises and puts the pieces together.
fn pieces_of(chunks: &[Chunk]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut open = false; // whether a record's last fragment is still to come
    let mut next = (0, 0); // part, offset
    for chunk in chunks {
        if chunk.part != next.0 {
            next = (chunk.part, 0);
        }
        assert_eq!((chunk.part, chunk.offset), next, "chunks follow each other");
        next.1 += chunk.bytes.len() as u64;
        let first = chunk.pieces[0];
        assert_eq!((chunk.first_line, chunk.first_ordinal), (first.line, first.ordinal));
        let mut end = 0;
        for piece in &chunk.pieces {
            assert_eq!(piece.start, end, "pieces tile the chunk");
            end = piece.end;
            let bytes = chunk.bytes_of(piece).to_vec();
            let kind = match piece.kind {
                PieceKind::Record => Kind::Record,
                PieceKind::Framing => Kind::Framing,
                PieceKind::Torn => Kind::Torn,
                PieceKind::Fragment { .. } => Kind::TooLong,
            };
            if open {
                let record = found.last_mut().unwrap();
                assert_eq!(
                    (record.0, record.2, record.3),
                    (kind, piece.line, piece.ordinal),
                    "one run, one record"
                );
                record.1.extend(bytes);
            } else {
                found.push((kind, bytes, piece.line, piece.ordinal));
            }
            open = piece.kind == PieceKind::Fragment { last: false };
        }
        assert_eq!(end, chunk.bytes.len(), "pieces tile the chunk");
    }
    assert!(!open, "a run has a last fragment");
    found
}

/// The same, slowly and plainly, for one undamaged part.
fn expected(format: Format, bytes: &[u8], max_record: u64) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut line, mut ordinal) = (1, 0);
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if rest.len() < bytes.len() {
        found.push((Kind::Framing, bytes[..3].to_vec(), line, ordinal));
    }
    let records: Vec<&[u8]> = match format {
        Format::Jsonl => rest.split_inclusive(|&byte| byte == b'\n').collect(),
        Format::Text => vec![rest],
    };
    for record in records {
        let kind = if record.len() as u64 > max_record {
            Kind::TooLong
        } else if format == Format::Jsonl && record.iter().all(u8::is_ascii_whitespace) {
            Kind::Framing
        } else {
            Kind::Record
        };
        found.push((kind, record.to_vec(), line, ordinal));
        line += 1;
        ordinal += u64::from(kind != Kind::Framing);
    }
    found
}

#[track_caller]
fn check(format: Format, bytes: &str, rows: &[(Kind, &str, u64, u64)]) {
    let rows: Vec<Found> = rows
        .iter()
        .map(|&(kind, bytes, line, ordinal)| (kind, bytes.as_bytes().to_vec(), line, ordinal))
        .collect();
    for chunk_bytes in [1, 4, 1 << 20] {
        let chunks = chunks_of_bytes(format, bytes.as_bytes(), Compression::None, &settings(chunk_bytes, 10));
        assert_eq!(pieces_of(&chunks), rows, "pieces of {bytes:?}, {chunk_bytes} bytes a chunk");
    }
}

#[test]
fn lines_are_records_and_blank_lines_are_framing() {
    use Kind::{Framing, Record, TooLong};
    check(Format::Jsonl, "", &[]);
    check(Format::Jsonl, "1234567890", &[(Record, "1234567890", 1, 0)]); // ten bytes: the limit
    check(Format::Jsonl, "a\nb", &[(Record, "a\n", 1, 0), (Record, "b", 2, 1)]);
    check(
        Format::Jsonl,
        "a\r\n\n \t\nb\r\n",
        &[(Record, "a\r\n", 1, 0), (Framing, "\n", 2, 1), (Framing, " \t\n", 3, 1), (Record, "b\r\n", 4, 1)],
    );
    check(Format::Jsonl, "\u{feff}a\n", &[(Framing, "\u{feff}", 1, 0), (Record, "a\n", 1, 0)]);
    check(Format::Jsonl, "\u{feff}", &[(Framing, "\u{feff}", 1, 0)]);
    check(Format::Jsonl, "a\n\u{feff}b", &[(Record, "a\n", 1, 0), (Record, "\u{feff}b", 2, 1)]); // only at the start
    check(
        Format::Jsonl,
        "123456789\n1234567890\nb",
        &[
            (Record, "123456789\n", 1, 0), // ten bytes with the line end: the limit
            (TooLong, "1234567890\n", 2, 1),
            (Record, "b", 3, 2),
        ],
    );
    check(Format::Jsonl, "          \n", &[(TooLong, "          \n", 1, 0)]); // not held, so not known to be blank
}

#[test]
fn a_text_file_is_one_record() {
    use Kind::{Framing, Record, TooLong};
    check(Format::Text, "", &[(Record, "", 1, 0)]);
    check(Format::Text, "1234567890", &[(Record, "1234567890", 1, 0)]); // ten bytes: the limit
    check(Format::Text, "a\n\nb\n", &[(Record, "a\n\nb\n", 1, 0)]);
    check(Format::Text, "\u{feff}", &[(Framing, "\u{feff}", 1, 0), (Record, "", 1, 0)]);
    check(Format::Text, "\u{feff}a\nb", &[(Framing, "\u{feff}", 1, 0), (Record, "a\nb", 1, 0)]);
    check(Format::Text, "12345\n67890", &[(TooLong, "12345\n67890", 1, 0)]);
}

#[test]
fn chunks_are_bounded() {
    let bytes = ["x".repeat(1000), "\nshort\n".repeat(30), "y".repeat(50)].join("\n");
    let chunks = chunks_of_bytes(Format::Jsonl, bytes.as_bytes(), Compression::None, &settings(20, 60));
    for chunk in &chunks {
        assert!(chunk.bytes.len() < 20 + 60, "{}", chunk.bytes.len());
        let fragment = matches!(chunk.pieces[0].kind, PieceKind::Fragment { .. });
        assert!(!fragment || chunk.bytes.len() <= 20 && chunk.pieces.len() == 1);
    }
    assert_eq!(
        chunks.iter().filter(|chunk| chunk.pieces[0].kind == PieceKind::Fragment { last: false }).count(),
        50
    );
}

#[test]
fn a_folder_of_texts_counts_on() {
    let folder = tempfile::tempdir().unwrap();
    let parts = ["one", "", "\u{feff}three\n", "four is too long"];
    let parts = parts.iter().enumerate().map(|(n, text)| {
        let compression = if n == 2 { Compression::Gzip } else { Compression::None };
        part(folder.path(), &n.to_string(), &pack(text.as_bytes(), compression), compression)
    });
    let (chunks, digest) = chunks_of(&shard(Format::Text, parts.collect()), &settings(5, 10));
    let found = pieces_of(&chunks);
    let rows: Vec<(Kind, &str, u64)> = found
        .iter()
        .map(|(kind, bytes, _, ordinal)| (*kind, std::str::from_utf8(bytes).unwrap(), *ordinal))
        .collect();
    assert_eq!(
        rows,
        [
            (Kind::Record, "one", 0),
            (Kind::Record, "", 1),
            (Kind::Framing, "\u{feff}", 2),
            (Kind::Record, "three\n", 2),
            (Kind::TooLong, "four is too long", 3),
        ]
    );
    assert_eq!(digest.bytes, 3 + 9 + 16);
    assert_eq!(chunks.last().unwrap().part, 3);
}

#[test]
fn a_tear_ends_the_part_with_one_piece_and_its_reason() {
    use Kind::{Framing, Record, TooLong, Torn};
    let folder = tempfile::tempdir().unwrap();
    // A gzip member, then bytes that are none: all of the text is there, and then the stream is torn.
    let torn = |text: &str| [&pack(text.as_bytes(), Compression::Gzip)[..], b"garbage"].concat();
    let check = |format: Format, text: &str, rows: &[(Kind, &str, u64)]| {
        for chunk_bytes in [1, 4, 1 << 20] {
            let first = part(folder.path(), "0.gz", &torn(text), Compression::Gzip);
            let second = part(folder.path(), "1", b"next", Compression::None);
            let (chunks, _) = chunks_of(&shard(format, vec![first, second]), &settings(chunk_bytes, 10));
            let (next, chunks) = chunks.split_last().unwrap();
            let found = pieces_of(chunks);
            let found: Vec<(Kind, &str, u64)> = found
                .iter()
                .map(|(kind, bytes, _, n)| (*kind, std::str::from_utf8(bytes).unwrap(), *n))
                .collect();
            assert_eq!(found, rows, "{text:?}, {chunk_bytes} bytes a chunk");
            let (last, before) = chunks.split_last().unwrap();
            assert!(last.damage.as_deref().unwrap().starts_with("bytes that are no gzip member follow"));
            assert!(before.iter().all(|chunk| chunk.damage.is_none()));
            assert_eq!(
                (&next.bytes[..], next.damage.as_ref()),
                (&b"next"[..], None),
                "the next part goes on"
            );
            assert_eq!(next.first_ordinal, rows.last().unwrap().2 + 1);
        }
    };
    check(Format::Jsonl, "a\nb", &[(Record, "a\n", 0), (Torn, "b", 1)]);
    check(Format::Jsonl, "a\n\n", &[(Record, "a\n", 0), (Framing, "\n", 1), (Torn, "", 1)]);
    check(Format::Jsonl, "", &[(Torn, "", 0)]);
    check(Format::Jsonl, "a\n12345678901", &[(Record, "a\n", 0), (TooLong, "12345678901", 1)]);
    check(Format::Text, "a\nb\n", &[(Torn, "a\nb\n", 0)]);
    check(Format::Text, "\u{feff}", &[(Framing, "\u{feff}", 0), (Torn, "", 0)]);
    check(Format::Text, "12345678901", &[(TooLong, "12345678901", 0)]);
}

#[test]
fn a_stream_cut_at_any_byte_gives_its_whole_records_and_a_torn_one() {
    let plain = "{\"text\":\"one\"}\n\n{\"text\":\"two\"}\n{\"text\":\"three\"}";
    for compression in [Compression::Gzip, Compression::Zstd] {
        let packed = pack(plain.as_bytes(), compression);
        for cut in 0..packed.len() {
            let chunks = chunks_of_bytes(Format::Jsonl, &packed[..cut], compression, &settings(16, 100));
            let found = pieces_of(&chunks);
            let bytes: Vec<u8> = found.iter().flat_map(|piece| piece.1.clone()).collect();
            assert!(plain.as_bytes().starts_with(&bytes));
            let torn = found.iter().filter(|piece| piece.0 == Kind::Torn).count();
            assert_eq!(torn, usize::from(cut > 0), "cut at {cut}"); // an empty file is an empty shard
            assert_eq!(chunks.last().is_some_and(|chunk| chunk.damage.is_some()), cut > 0);
        }
    }
}

#[test]
fn what_the_system_refuses_ends_the_reading_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("gone");
    for path in [missing, folder.path().to_owned()] {
        let part = Part { path: path.clone(), name: "a".to_owned(), compression: Compression::None };
        let error = read_shard(&shard(Format::Jsonl, vec![part]), &ReadSettings::default(), &mut |_| Ok(()));
        assert!(matches!(error, Err(Error::Io { path: named, .. }) if named == path), "{}", path.display());
    }
}

/// Before a longest record it would make a chunk that is longer than any may be.
#[test]
fn a_byte_order_mark_can_fill_a_chunk() {
    let bytes = b"\xef\xbb\xbfaaaaaaaaaaaaaaa";
    let chunks = chunks_of_bytes(Format::Jsonl, bytes, Compression::None, &settings(1, 15));
    let lengths: Vec<usize> = chunks.iter().map(|chunk| chunk.bytes.len()).collect();
    assert_eq!(lengths, [3, 15]);
}

#[test]
fn the_caller_can_stop() {
    let folder = tempfile::tempdir().unwrap();
    let shard = shard(Format::Jsonl, vec![part(folder.path(), "a", b"a\nb\nc\n", Compression::None)]);
    let mut calls = 0;
    let stopped = read_shard(&shard, &settings(1, 10), &mut |_| {
        calls += 1;
        Err(Error::Usage("enough".to_owned()))
    });
    assert!(matches!(stopped, Err(Error::Usage(_))));
    assert_eq!(calls, 1);
}

#[test]
fn the_digest_is_of_the_plain_bytes_and_of_the_cuts_between_files() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |texts: &[(&str, &str)], compression| {
        let parts = texts
            .iter()
            .map(|(name, text)| part(folder.path(), name, &pack(text.as_bytes(), compression), compression));
        chunks_of(&shard(Format::Text, parts.collect()), &settings(2, 10)).1
    };
    let plain = Compression::None;
    let one = digest(&[("a", "text")], plain);
    assert_eq!(one, ShardDigest { bytes: 4, hash: xxhash_rust::xxh3::xxh3_128(b"text") });
    assert_eq!(one, digest(&[("a", "text")], Compression::Gzip));
    assert_eq!(one, digest(&[("other", "text")], Compression::Zstd));
    let two = digest(&[("a", "te"), ("b", "xt")], plain);
    assert_eq!(two, digest(&[("a", "te"), ("b", "xt")], Compression::Zstd));
    assert_ne!(two, digest(&[("a", "tex"), ("b", "t")], plain));
    assert_ne!(two, digest(&[("a", "te"), ("c", "xt")], plain));
}

#[test]
fn a_file_that_imitates_a_cut_has_another_digest() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |parts: Vec<Part>| {
        let shard = Shard { folder: true, ..shard(Format::Text, parts) };
        chunks_of(&shard, &ReadSettings::default()).1.hash
    };
    let cut = [&b"one"[..], b"a", &1_u64.to_le_bytes(), b"two"].concat(); // what stands between, lengths aside
    let one = digest(vec![part(folder.path(), "b", &cut, Compression::None)]);
    let parts = [("a", &b"one"[..]), ("b", b"two")];
    let two = digest(parts.map(|(name, bytes)| part(folder.path(), name, bytes, Compression::None)).to_vec());
    assert_ne!(one, two);
}

/// Lines of every length and kind, some with a byte order mark.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b' '), 1 => Just(b'\r')];
    let start =
        prop_oneof![2 => Just(&b""[..]), 1 => Just(&b"\xef\xbb\xbf"[..]), 1 => Just(&b"\xef\xbb"[..])];
    (start, prop::collection::vec(byte, 0..120)).prop_map(|(start, rest)| [start, &rest].concat())
}

fn formats() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Jsonl), Just(Format::Text)]
}

proptest! {
    #[test]
    fn pieces_are_those_of_the_slow_way(
        bytes in lines(), format in formats(), chunk_bytes in 1..40_usize, max_record in 0..40_u64,
    ) {
        let chunks = chunks_of_bytes(format, &bytes, Compression::None, &settings(chunk_bytes, max_record));
        prop_assert_eq!(pieces_of(&chunks), expected(format, &bytes, max_record));
        for chunk in &chunks {
            prop_assert!(chunk.bytes.len() <= chunk_bytes + max_record.max(3) as usize);
        }
    }

    #[test]
    fn chunks_do_not_depend_on_how_the_bytes_were_packed(
        bytes in lines(), members in 1..5_usize, chunk_bytes in 1..40_usize, max_record in 0..40_u64,
    ) {
        let settings = settings(chunk_bytes, max_record);
        let plain = chunks_of_bytes(Format::Jsonl, &bytes, Compression::None, &settings);
        for compression in [Compression::Gzip, Compression::Zstd] {
            let member = bytes.len() / members + 1;
            let packed: Vec<u8> = bytes.chunks(member).flat_map(|member| pack(member, compression)).collect();
            prop_assert_eq!(&chunks_of_bytes(Format::Jsonl, &packed, compression, &settings), &plain);
        }
    }
}

#[test]
fn long_lines_meet_the_real_read_sizes() {
    // Longer than one read of the default settings, in both orders.
    let text =
        ["x".repeat(700_000), "y".repeat(10), "z".repeat(3_000_000), " ".repeat(400_000), "w".repeat(20)]
            .join("\n");
    for max_record in [100, 500_000, 700_001, 5_000_000] {
        for chunk_bytes in [10_000, 1 << 20] {
            let chunks = chunks_of_bytes(
                Format::Jsonl,
                text.as_bytes(),
                Compression::None,
                &settings(chunk_bytes, max_record),
            );
            assert!(
                pieces_of(&chunks) == expected(Format::Jsonl, text.as_bytes(), max_record),
                "{max_record}"
            );
        }
    }
}
