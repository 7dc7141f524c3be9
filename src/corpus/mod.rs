//! Where do documents come from?
//!
//! INPUT arguments in, [`Shard`]s out ([`find_shards`]); a shard in, its decompressed bytes cut into whole
//! [`Piece`]s out ([`read_shard`]); a piece in, a [`Record`] or the reason why there is none out ([`parse`]).
//! Every byte of a shard lies in exactly one piece, so what is read can be accounted for and given back.
//!
//! A record that cannot be read is harmless: it is a [`Rejection`], with its place and its sentence. A byte that
//! belongs to no piece, or a file passed over in silence, would be lost for good: what is skipped is counted, and
//! a damaged stream delivers all that stands before the tear and says so.
//!
//! One file a format: a new one (WARC, HTML, Parquet, CSV) is a file here, a row in [`Format`]'s tables, its shape
//! in `pieces` and its arm in [`parse`].
//!
//! [`Shard`]: crate::corpus::Shard
//! [`find_shards`]: crate::corpus::find_shards
//! [`Piece`]: crate::corpus::Piece
//! [`read_shard`]: crate::corpus::read_shard
//! [`Record`]: crate::corpus::Record
//! [`parse`]: crate::corpus::parse
//! [`Rejection`]: crate::corpus::Rejection
//! [`Format`]: crate::corpus::Format

mod compression;
mod estimate;
mod inputs;
mod jsonl;
mod mapped;
mod pieces;
mod record;
mod sample;
mod site;
mod text;

use std::path::{Path, PathBuf};

pub use compression::{Compression, Damage, FinishWrite, decoder, reader, writer};
pub use estimate::{Estimate, estimate};
pub use inputs::{Inputs, MARKER, Skipped, find_shards};
pub use mapped::ReadMode;
pub use pieces::{Chunk, Piece, PieceKind, ReadSettings, ShardDigest, read_shard};
pub use record::{Fields, JsonKind, Record, Rejection, parse, raw_ranges};
pub use sample::{Sample, SampleSettings, sample};
pub use site::{SiteBy, folders_of, site_of};

/// How a shard's bytes hold documents.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON object a line.
    Jsonl,
    /// Plain UTF-8 text: a file is a document.
    Text,
}

impl Format {
    /// All formats, in the order in which messages name them.
    pub const ALL: [Format; 2] = [Format::Jsonl, Format::Text];

    /// The name that `--format` takes.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Text => "text",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The file name extensions it is known by, lower case, without the dot.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Format::Jsonl => &["jsonl", "ndjson"],
            Format::Text => &["txt", "text"],
        }
    }

    /// Format and compression by a file's name, upper or lower case; `None` where the extension is not known.
    ///
    /// ```
    /// use dittograph::corpus::{Compression, Format};
    /// assert_eq!(Format::of("a/part-1.jsonl.gz".as_ref()), Some((Format::Jsonl, Compression::Gzip)));
    /// assert_eq!(Format::of("a/README.md".as_ref()), None);
    /// ```
    pub fn of(path: &Path) -> Option<(Format, Compression)> {
        let compression = Compression::of(path);
        let inner = match compression {
            Compression::None => path.extension()?.to_str()?,
            _ => Path::new(path.file_stem()?).extension()?.to_str()?,
        };
        let known =
            |format: &Format| format.extensions().iter().any(|known| inner.eq_ignore_ascii_case(known));
        Format::ALL.into_iter().find(known).map(|format| (format, compression))
    }

    /// Whether a record's bytes hold its text, so that spans can be cut out of it ([`raw_ranges`]). A format whose text
    /// is extracted from something else (HTML) says no, and cannot be stripped.
    pub fn holds_its_text(self) -> bool {
        match self {
            Format::Jsonl | Format::Text => true,
        }
    }

    /// Whether a file holds one document, so that a folder of them is one shard.
    pub fn is_file_a_document(self) -> bool {
        self == Format::Text
    }
}

/// One input file, or the folder whose files are a document each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// What it is called in findings and below the output folder: parts joined by `/`, never absolute, no part `..`.
    pub name: String,
    /// How its bytes hold documents.
    pub format: Format,
    /// Whether it is a folder of files; then `name` names the folder and each part's name its file.
    pub folder: bool,
    /// Its files in reading order; exactly one unless `folder`.
    pub parts: Vec<Part>,
    /// What [`Shard::default_site`] gives, found together with the shard.
    pub site: String,
}

impl Shard {
    /// The site of its documents that have no url with a host: for text the folder that holds the file (for a folder
    /// shard: the shard's name), else the shard's name.
    pub fn default_site(&self) -> &str {
        &self.site
    }
}

/// One file of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it lies.
    pub path: PathBuf,
    /// Its file name, which is its name below the shard's folder.
    pub name: String,
    /// How it is packed.
    pub compression: Compression,
}

impl Part {
    /// Whether it is a copy of standard input: no file of the user's is read under another name than its own.
    pub fn is_standard_input(&self) -> bool {
        self.path.file_name().is_none_or(|name| name != self.name.as_str())
    }
}
