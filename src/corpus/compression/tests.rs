use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const PACKED: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

fn pack(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut writer = writer(Vec::new(), compression).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// What can be unpacked, and why not all.
fn unpack(packed: &[u8], compression: Compression, read_bytes: usize) -> (Vec<u8>, Option<String>) {
    let mut reader = decoder(Cursor::new(packed.to_vec()), compression).unwrap();
    let mut plain = Vec::new();
    let mut buffer = vec![0; read_bytes];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (plain, None),
            Ok(read) => plain.extend_from_slice(&buffer[..read]),
            Err(error) => {
                let damage = Damage::in_error(&error).expect("a slice does not fail").to_string();
                assert!(reader.read(&mut buffer).is_err(), "a torn stream must not look ended");
                return (plain, Some(damage));
            }
        }
    }
}

/// Bytes that pack neither to nothing nor not at all.
fn prose(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"abcdefgh  \n"[(state >> 20) as usize % 11]
    };
    (0..length).map(|_| word()).collect()
}

#[track_caller]
fn check(packed: &[u8], compression: Compression, plain: &[u8], damage: Option<&str>) {
    for read_bytes in [1, 7, 64 * 1024] {
        let (found, why) = unpack(packed, compression, read_bytes);
        assert_eq!(found.len(), plain.len(), "length; {why:?}");
        assert!(found == plain, "bytes");
        assert_eq!(why.as_deref(), damage, "damage, {read_bytes} bytes a read");
    }
}

#[test]
fn what_is_packed_is_unpacked() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for length in [0, 1, 1000, 300_000] {
            let plain = prose(length);
            check(&pack(&plain, compression), compression, &plain, None);
        }
    }
}

#[test]
fn all_members_and_all_frames_are_read() {
    for compression in PACKED {
        let plain = prose(20_000);
        let mut packed = Vec::new();
        for part in plain.chunks(777) {
            packed.extend(pack(part, compression));
            packed.extend(pack(b"", compression));
        }
        check(&packed, compression, &plain, None);
    }
}

#[test]
fn other_writers_headers_are_read() {
    let mut named = flate2::GzBuilder::new()
        .filename("a.jsonl")
        .comment("by hand")
        .extra(b"RA12".to_vec())
        .mtime(9)
        .write(Vec::new(), flate2::Compression::fast());
    named.write_all(b"plain").unwrap();
    check(&named.finish().unwrap(), Compression::Gzip, b"plain", None);

    // With a header checksum (flag 2): no writer at hand makes one.
    let mut header = vec![0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255];
    let mut crc = Crc::new();
    crc.update(&header);
    header.extend((crc.sum() as u16).to_le_bytes());
    let mut packed = header;
    packed.extend(&pack(b"plain", Compression::Gzip)[10..]);
    check(&packed, Compression::Gzip, b"plain", None);
    packed[10] ^= 1;
    let why = "the checksum of a gzip header does not match (member 1, packed byte 12)";
    check(&packed, Compression::Gzip, b"", Some(why));

    let mut skippable = vec![0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    skippable.extend(pack(b"plain", Compression::Zstd));
    check(&skippable, Compression::Zstd, b"plain", None);
}

#[test]
fn long_windows_are_read() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.set_parameter(zstd::stream::raw::CParameter::WindowLog(28)).unwrap();
    encoder.write_all(b"plain").unwrap();
    let packed = encoder.finish().unwrap();
    assert!(zstd::stream::decode_all(&packed[..]).is_err(), "else this proves nothing");
    check(&packed, Compression::Zstd, b"plain", None);
}

#[test]
fn zeros_after_the_last_member_are_padding_and_other_bytes_are_not() {
    let whole = pack(b"plain", Compression::Gzip);
    let with = |tail: &[u8]| [&whole[..], tail].concat();
    let place = |extra: usize| whole.len() + extra;
    check(&with(&[0; 1000]), Compression::Gzip, b"plain", None);
    let why =
        format!("bytes that are no gzip member follow the last one (member 1, packed byte {})", place(2));
    check(&with(b"\0x"), Compression::Gzip, b"plain", Some(&why));
    let why =
        format!("bytes that are no gzip member follow the last one (member 1, packed byte {})", place(1));
    check(&with(b"xy"), Compression::Gzip, b"plain", Some(&why));
    check(b"plain text", Compression::Gzip, b"", Some("not gzip data (member 1, packed byte 1)"));
    let whole = pack(b"plain", Compression::Zstd);
    let (found, why) = unpack(&[&whole[..], b"garbage"].concat(), Compression::Zstd, 100);
    assert_eq!(found, b"plain");
    assert!(why.unwrap().starts_with("corrupt zstd data: "));
}

#[test]
fn a_stream_cut_at_any_byte_gives_a_prefix_and_says_so() {
    let plain = prose(500);
    for compression in PACKED {
        let packed = pack(&plain, compression);
        for cut in 1..packed.len() {
            let (found, why) = unpack(&packed[..cut], compression, 64);
            assert!(plain.starts_with(&found), "{compression:?} cut at {cut}");
            assert!(why.is_some(), "{compression:?} cut at {cut}");
        }
        check(&[], compression, b"", None);
    }
}

#[test]
fn a_flipped_bit_is_never_taken_for_another_text() {
    let plain = prose(300);
    for compression in PACKED {
        let packed = pack(&plain, compression);
        for bit in 0..packed.len() * 8 {
            let mut flipped = packed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (found, why) = unpack(&flipped, compression, 64);
            assert!(why.is_some() || found == plain, "{compression:?}, bit {bit}");
        }
    }
}

#[test]
fn what_stands_before_a_tear_comes_out_whatever_the_size_of_a_read() {
    let plain = prose(600_000);
    for compression in PACKED {
        let mut packed = pack(&plain, compression);
        let middle = packed.len() / 2;
        packed[middle..].fill(0xff);
        let (small, why) = unpack(&packed, compression, 100);
        let (large, why_large) = unpack(&packed, compression, 1 << 20);
        assert!(why.is_some() && why == why_large, "{why:?} {why_large:?}");
        assert_eq!(small.len(), large.len(), "{compression:?}");
        assert!(small == large && large.len() > plain.len() / 4, "{compression:?}: {}", large.len());
    }
}

/// Gives its bytes, then fails as a disk does.
struct FailingDisk(Cursor<Vec<u8>>);

impl Read for FailingDisk {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::from_raw_os_error(5)),
            read => Ok(read),
        }
    }
}

#[test]
fn a_failing_disk_is_no_damage() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let packed = pack(&prose(1000), compression);
        for cut in [0, 1, 5, 100, packed.len()] {
            let disk = FailingDisk(Cursor::new(packed[..cut].to_vec()));
            let mut reader = decoder(BufReader::new(disk), compression).unwrap();
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(
                (error.raw_os_error(), Damage::in_error(&error)),
                (Some(5), None),
                "{compression:?} {cut}"
            );
        }
    }
}

#[test]
fn the_same_bytes_pack_to_the_same_bytes() {
    // Bytes 4 to 8 of a gzip header are the time, 0 where none is told; flag 8 would be a file name.
    assert_eq!(pack(b"plain", Compression::Gzip)[..9], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0]);
    for compression in PACKED {
        assert_eq!(pack(&prose(9000), compression), pack(&prose(9000), compression));
    }
}

#[test]
fn compressions_by_name_and_by_first_bytes() {
    for (name, expected) in [
        ("a.gz", Compression::Gzip),
        ("a.JSONL.GZ", Compression::Gzip),
        ("a.zst", Compression::Zstd),
        ("gz", Compression::None),
        ("a.zip", Compression::None),
    ] {
        assert_eq!(Compression::of(name.as_ref()), expected, "{name}");
    }
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        assert_eq!(Compression::sniff(&pack(b"plain", compression)), compression);
    }
    assert_eq!(Compression::sniff(b""), Compression::None);
}

proptest! {
    #[test]
    fn members_of_any_sizes_equal_the_plain_bytes(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        read_bytes in 1..300_usize,
    ) {
        for compression in PACKED {
            let packed: Vec<u8> = parts.iter().flat_map(|part| pack(part, compression)).collect();
            prop_assert_eq!(unpack(&packed, compression, read_bytes), (parts.concat(), None));
        }
    }

    #[test]
    fn foreign_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for magic in [&[0x1f, 0x8b, 8][..], &[0x28, 0xb5, 0x2f, 0xfd], &[]] {
            bytes.splice(0..magic.len().min(bytes.len()), magic.iter().copied());
            for compression in PACKED {
                unpack(&bytes, compression, 1000);
            }
        }
    }
}

#[test]
fn a_bad_checksum_takes_no_byte_of_what_stands_before_it() {
    let plain = prose(300_000);
    for compression in PACKED {
        let mut bad_checksum = pack(&plain, compression);
        let place = bad_checksum.len() - if compression == Compression::Gzip { 5 } else { 1 };
        bad_checksum[place] ^= 1;
        for read_bytes in [1, 7, 1000, 64 * 1024, 1 << 20] {
            let (found, why) = unpack(&bad_checksum, compression, read_bytes);
            assert!(
                found == plain && why.is_some(),
                "{compression:?}, {read_bytes} a read: {} bytes",
                found.len()
            );
        }
    }
}

#[test]
fn a_bad_block_takes_no_byte_of_the_one_before() {
    // A frame of one raw block, and the header of a block of no known kind.
    let frame = b"\x28\xb5\x2f\xfd\0\0\xa0\0\0twenty bytes of text\x06\0\0";
    for read_bytes in [1, 7, 1000] {
        let (found, why) = unpack(frame, Compression::Zstd, read_bytes);
        assert!(
            found.as_slice() == b"twenty bytes of text" && why.is_some(),
            "{read_bytes} a read: {found:?}, {why:?}"
        );
    }
}
