//! How are files packed, and where is a packed stream torn?
//!
//! Packed bytes in, plain bytes out, and back. All gzip members and all zstd frames are read. The layers over the
//! codecs are our own for one reason: at a tear they hand out every byte that stands before it, whatever the sizes
//! of the buffers (ready-made readers drop what they unpacked in the call that failed), and they tell damage
//! ([`Damage`]) from a failing disk. Trailing zero bytes after a gzip member are padding, not damage.
//!
//! Memory for one reader: 64 KiB and the codec's window: 32 KiB for gzip; for zstd what the frame asks for, up to
//! 2 GiB (`--long=31`), touched only as far as data fills it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use crate::error::{Error, Result};

/// How a file is packed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// `.gz`, any number of members.
    Gzip,
    /// `.zst`, any number of frames.
    Zstd,
}

impl Compression {
    /// By a file's extension, upper or lower case.
    pub fn of(path: &Path) -> Compression {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Compression::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// By the first bytes of a stream. Four bytes are enough; an empty stream is not packed.
    pub fn sniff(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [first, 0x2a, 0x4d, 0x18, ..] if first & 0xf0 == 0x50 => Compression::Zstd, // a skippable frame
            _ => Compression::None,
        }
    }

    /// The extension that says so, with its dot; empty for [`Compression::None`].
    pub fn suffix(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        }
    }
}

/// Why a packed stream cannot be read further. It travels inside an [`io::Error`]; see [`Damage::in_error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage(String);

impl Damage {
    /// The reason, when `error` is about damaged data and not about a failing disk.
    pub fn in_error(error: &io::Error) -> Option<&Damage> {
        error.get_ref()?.downcast_ref()
    }

    fn into_error(self) -> io::Error {
        io::Error::new(ErrorKind::InvalidData, self)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damage {}

/// Opens a file and unpacks it while it is read.
///
/// An empty file is an empty stream under any compression. Reading fails with [`Damage`] only after every byte
/// before the tear has been handed out, and then goes on failing.
///
/// # Errors
/// [`Error::Io`], naming the path, when the file cannot be opened.
pub fn reader(path: &Path, compression: Compression) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(Error::io(path))?;
    match compression {
        Compression::None => Ok(Box::new(file)),
        _ => {
            decoder(BufReader::with_capacity(PACKED_BUFFER_BYTES, file), compression).map_err(Error::io(path))
        }
    }
}

/// What is read or written of a packed file at a time. A guess; other sizes were not measured.
const PACKED_BUFFER_BYTES: usize = 64 * 1024;

/// Unpacks any stream; see [`reader`].
///
/// # Errors
/// When the codec's state cannot be allocated.
pub fn decoder(
    input: impl BufRead + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(Gunzip::new(input)),
        Compression::Zstd => Box::new(Unzstd::new(input)?),
    })
}

/// A writer with layers below it, all of which must be closed for the bytes to be whole.
pub trait FinishWrite<W>: Write + Send {
    /// Closes and flushes every layer and gives the sink back, so that a file can be synced.
    ///
    /// # Errors
    /// What the sink says. A writer that is dropped unfinished leaves a torn stream.
    fn finish(self: Box<Self>) -> io::Result<W>;
}

/// Packs what is written to it: gzip level 6, zstd level 3 with checksum. The same bytes in give the same bytes out:
/// no time, no file name.
///
/// # Errors
/// When the codec's state cannot be allocated.
pub fn writer<W: Write + Send + 'static>(
    sink: W,
    compression: Compression,
) -> io::Result<Box<dyn FinishWrite<W>>> {
    let sink = BufWriter::with_capacity(PACKED_BUFFER_BYTES, sink);
    Ok(match compression {
        Compression::None => Box::new(sink),
        Compression::Gzip => Box::new(GzEncoder::new(sink, flate2::Compression::new(GZIP_LEVEL))),
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(sink, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            Box::new(encoder)
        }
    })
}

/// The level of the `gzip` program.
const GZIP_LEVEL: u32 = 6;

/// The level of the `zstd` program.
const ZSTD_LEVEL: i32 = 3;

impl<W: Write + Send> FinishWrite<W> for BufWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        let mut sink = self.into_inner().map_err(io::IntoInnerError::into_error)?;
        sink.flush()?;
        Ok(sink)
    }
}

impl<W: Write + Send> FinishWrite<W> for GzEncoder<BufWriter<W>> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        Box::new(GzEncoder::finish(*self)?).finish()
    }
}

impl<W: Write + Send> FinishWrite<W> for zstd::stream::write::Encoder<'static, BufWriter<W>> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        Box::new(zstd::stream::write::Encoder::finish(*self)?).finish()
    }
}

/// All members of a gzip stream (RFC 1952), their checksums and lengths checked.
struct Gunzip<R> {
    input: R,
    inflate: Decompress,
    crc: Crc,
    at: GzipPlace,
    /// Members begun.
    members: u64,
    /// Packed bytes consumed.
    position: u64,
}

enum GzipPlace {
    Header,
    Body,
    Trailer,
    End,
    Torn(Damage),
}

impl<R: BufRead> Gunzip<R> {
    fn new(input: R) -> Gunzip<R> {
        Gunzip {
            input,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            at: GzipPlace::Header,
            members: 0,
            position: 0,
        }
    }

    /// One step; the bytes that it put into `out`.
    fn step(&mut self, out: &mut [u8]) -> Step<usize> {
        match &self.at {
            GzipPlace::Header => self.header()?,
            GzipPlace::Body => return self.body(out),
            GzipPlace::Trailer => self.trailer()?,
            GzipPlace::End => {}
            GzipPlace::Torn(damage) => return Err(damage.clone().into()),
        }
        Ok(0)
    }

    fn header(&mut self) -> Step<()> {
        let Some(first) = self.next_byte()? else {
            self.at = GzipPlace::End;
            return Ok(());
        };
        if first == 0 && self.members > 0 {
            return self.padding();
        }
        let mut header = HeaderBytes { stream: self, crc: Crc::new() };
        header.crc.update(&[first]);
        if first != 0x1f || header.next()? != 0x8b {
            return Err(self.no_member());
        }
        let [method, flags, ..] = header.take::<8>()?;
        if method != 8 || flags & 0xe0 != 0 {
            return Err(self.torn("a gzip header of an unknown kind"));
        }
        if flags & 4 != 0 {
            let length = u16::from_le_bytes(header.take()?);
            for _ in 0..length {
                header.next()?;
            }
        }
        let strings = u8::from(flags & 8 != 0) + u8::from(flags & 16 != 0); // file name, comment
        for _ in 0..strings {
            while header.next()? != 0 {}
        }
        let sum = header.crc.sum() as u16; // the header's checksum is the lower half of its CRC-32
        if flags & 2 != 0 && u16::from_le_bytes(header.take()?) != sum {
            return Err(self.torn("the checksum of a gzip header does not match"));
        }
        self.members += 1;
        self.inflate.reset(false);
        self.crc.reset();
        self.at = GzipPlace::Body;
        Ok(())
    }

    fn padding(&mut self) -> Step<()> {
        while let Some(byte) = self.next_byte()? {
            if byte != 0 {
                return Err(self.no_member());
            }
        }
        self.at = GzipPlace::End;
        Ok(())
    }

    fn body(&mut self, out: &mut [u8]) -> Step<usize> {
        let packed = filled(&mut self.input)?;
        let at_end = packed.is_empty();
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        let outcome = self.inflate.decompress(packed, out, FlushDecompress::None);
        let used = (self.inflate.total_in() - in_before) as usize; // at most packed.len()
        let made = (self.inflate.total_out() - out_before) as usize; // at most out.len()
        self.input.consume(used);
        self.position += used as u64;
        self.crc.update(&out[..made]);
        let torn = match outcome {
            Ok(Status::StreamEnd) => {
                self.at = GzipPlace::Trailer;
                None
            }
            Ok(_) if used > 0 || made > 0 => None,
            Ok(_) if at_end => Some("the file ends inside a gzip member"),
            Ok(_) | Err(_) => Some("corrupt gzip data"),
        };
        if let Some(what) = torn {
            // What was unpacked before the tear goes out first; the next step tells.
            self.at = GzipPlace::Torn(self.damage(what));
        }
        Ok(made)
    }

    fn trailer(&mut self) -> Step<()> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = self.needed_byte()?;
        }
        let [crc @ .., _, _, _, _] = trailer;
        let [_, _, _, _, length @ ..] = trailer;
        if u32::from_le_bytes(crc) != self.crc.sum() || u32::from_le_bytes(length) != self.crc.amount() {
            return Err(self.torn("the checksum of a gzip member does not match its data"));
        }
        self.at = GzipPlace::Header;
        Ok(())
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = filled(&mut self.input)?.first().copied();
        if byte.is_some() {
            self.input.consume(1);
            self.position += 1;
        }
        Ok(byte)
    }

    fn needed_byte(&mut self) -> Step<u8> {
        match self.next_byte()? {
            Some(byte) => Ok(byte),
            None => Err(self.torn("the file ends inside a gzip member")),
        }
    }

    fn no_member(&self) -> Stop {
        self.torn(match self.members {
            0 => "not gzip data",
            _ => "bytes that are no gzip member follow the last one",
        })
    }

    fn torn(&self, what: &str) -> Stop {
        self.damage(what).into()
    }

    fn damage(&self, what: &str) -> Damage {
        Damage(format!("{what} (member {}, packed byte {})", self.members.max(1), self.position))
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            match self.step(out) {
                Ok(0) if matches!(self.at, GzipPlace::End) => break,
                Ok(0) => {}
                Ok(made) => return Ok(made),
                Err(Stop::Torn(damage)) => {
                    self.at = GzipPlace::Torn(damage.clone());
                    return Err(damage.into_error());
                }
                Err(Stop::Io(error)) => return Err(error),
            }
        }
        Ok(0)
    }
}

/// The bytes of one gzip header, summed as they pass.
struct HeaderBytes<'a, R> {
    stream: &'a mut Gunzip<R>,
    crc: Crc,
}

impl<R: BufRead> HeaderBytes<'_, R> {
    fn next(&mut self) -> Step<u8> {
        let byte = self.stream.needed_byte()?;
        self.crc.update(&[byte]);
        Ok(byte)
    }

    fn take<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.next()?;
        }
        Ok(bytes)
    }
}

/// Why a step cannot go on.
enum Stop {
    Torn(Damage),
    Io(io::Error),
}

type Step<T> = std::result::Result<T, Stop>;

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Io(error)
    }
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Stop {
        Stop::Torn(damage)
    }
}

/// All frames of a zstd stream (RFC 8878), checksums checked where there are any.
struct Unzstd<R> {
    input: R,
    decoder: ZstdDecoder<'static>,
    /// How many bytes the codec asks for. See [`Unzstd::feed`].
    wanted: usize,
    /// Whether the last call filled the buffer it was given, so that the codec may hold more.
    full: bool,
    /// Whether a frame has begun and not ended.
    inside: bool,
    /// Packed bytes consumed.
    position: u64,
    damage: Option<Damage>,
}

/// The magic number and one byte: what zstd asks for before it knows a frame's header.
const ZSTD_FIRST_BYTES: usize = 5;

/// What zstd adds to the size of each block that it asks for.
const ZSTD_BLOCK_HEADER_BYTES: usize = 3;

/// Windows up to 2 GiB, as `zstd --long=31` writes them; the library's own default refuses those over 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 31;

impl<R: BufRead> Unzstd<R> {
    fn new(input: R) -> io::Result<Unzstd<R>> {
        let mut decoder = ZstdDecoder::new()?;
        // 32-bit machines have a lower limit, and then keep the library's default.
        if cfg!(target_pointer_width = "64") {
            decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        }
        Ok(Unzstd {
            input,
            decoder,
            wanted: ZSTD_FIRST_BYTES,
            full: false,
            inside: false,
            position: 0,
            damage: None,
        })
    }

    /// One step; the bytes that it put into `out`. `None`: the stream has ended between two frames.
    fn step(&mut self, out: &mut [u8]) -> io::Result<Option<usize>> {
        let feed = self.feed();
        let packed = filled(&mut self.input)?;
        let at_end = packed.is_empty();
        if at_end && !self.inside {
            return Ok(None);
        }
        let mut packed = InBuffer::around(&packed[..packed.len().min(feed)]);
        let room = out.len();
        let mut plain = OutBuffer::around(out);
        let outcome = self.decoder.run(&mut packed, &mut plain);
        let (used, made) = (packed.pos(), plain.pos());
        self.input.consume(used);
        self.position += used as u64;
        match outcome {
            Err(error) => self.damage = Some(self.damage(&format!("corrupt zstd data: {error}"))),
            Ok(_) if at_end && made == 0 && !self.full => {
                self.damage = Some(self.damage("the file ends inside a zstd frame"))
            }
            Ok(0) => (self.inside, self.wanted) = (false, ZSTD_FIRST_BYTES),
            Ok(wanted) => (self.inside, self.wanted) = (true, wanted),
        }
        self.full = made == room;
        Ok(Some(made))
    }

    /// How many bytes to feed. A call that fails says nothing of what it unpacked, so one that can fail must have
    /// nothing to hand out: the codec gets nothing while it may hold plain bytes, and never the header of the next
    /// block, which it asks for together with a block.
    fn feed(&self) -> usize {
        match self.wanted {
            _ if self.full => 0,
            wanted if wanted > ZSTD_BLOCK_HEADER_BYTES => wanted - ZSTD_BLOCK_HEADER_BYTES,
            wanted => wanted,
        }
    }

    fn damage(&self, what: &str) -> Damage {
        Damage(format!("{what} (packed byte {})", self.position))
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if let Some(damage) = &self.damage {
                return Err(damage.clone().into_error());
            }
            match self.step(out)? {
                Some(0) => {}
                Some(made) => return Ok(made),
                None => break,
            }
        }
        Ok(0)
    }
}

/// What `input` has at hand; empty only at its end. Interrupted reads are tried again here, because a step that
/// failed half-way could not be.
fn filled(input: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    input.fill_buf()
}

#[cfg(test)]
mod tests;
