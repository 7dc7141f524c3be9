//! `summary.json`: the last file of a run, and the sign that it is finished.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::corpus::{Compression, Format};

/// Its name in DIR.
pub const SUMMARY: &str = "summary.json";

/// A run in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The program's version.
    pub dittograph: String,
    /// The Unicode versions that tokens are made by.
    pub unicode: String,
    /// `dedupe` or `scan`.
    pub command: String,
    /// Whether what left is in `removed/`.
    pub removed: bool,
    /// Documents by what became of them; `kept + removed + rejected = read`.
    pub documents: Documents,
    /// Decompressed bytes by what became of them; `kept + removed + stripped + rejected + framing = read`.
    pub bytes: Bytes,
    /// Findings by kind.
    pub findings: FindingCounts,
    /// Clusters of duplicates.
    pub clusters: u64,
    /// Templates, and the sites they belong to.
    pub templates: u64,
    /// Different sites.
    pub sites: u64,
    /// What the chosen signatures and bands miss.
    pub recall: Recall,
    /// The settings that decide the answers, by option name.
    pub settings: SettingsRecord,
    /// What was read.
    pub inputs: Vec<Input>,
    /// Names that a walk through folders passed over.
    pub skipped: BTreeMap<String, u64>,
    /// Checksums of the records in DIR.
    pub files: Vec<FileFacts>,
    /// Sites of 100 documents or more that lost a larger share than `--max-site-loss`.
    pub site_losses: Vec<SiteLoss>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// Wall time of each stage.
    pub stages: Vec<StageTime>,
    /// The largest resident set of the process, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The most bytes that temporary files took at once.
    #[serde(default)]
    pub peak_temporary_bytes: u64,
    /// What the run expected when it shared out its memory, beside what came; absent where there was no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanAndFact>,
}

/// What was expected beside what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAndFact {
    /// Records.
    pub documents: Both,
    /// Decompressed bytes.
    pub bytes: Both,
    /// What `--memory` allows, and the largest resident set.
    pub memory_bytes: Both,
    /// What temporary files take at once.
    pub temporary_bytes: Both,
}

/// A number that was expected, and the one that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    /// As expected.
    pub plan: u64,
    /// As it came; absent where the system does not tell.
    pub fact: Option<u64>,
}

/// The settings that decide the answers, as the command line spells them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SettingsRecord {
    /// The least similarity of a duplicate.
    pub min_similarity: f64,
    /// The least containment of a shorter document in a longer one that removed it, where it was asked for.
    #[serde(default)]
    pub min_containment: Option<f64>,
    /// Tokens in a shingle.
    pub shingle: NonZeroUsize,
    /// `article` or `all`.
    pub content: String,
    /// Whether every pair was sought without signatures.
    pub exact: bool,
    /// The keep keys.
    pub keep: Vec<String>,
    /// What was taken out of kept documents: `boilerplate`, `leads`, `repeats`.
    pub strip: Vec<String>,
    /// How many ids were protected.
    pub protected: u64,
    /// Only documents equal in this field were compared.
    pub within: Option<String>,
    /// Seed of all hash functions.
    pub seed: u64,
    /// `auto`, `blank` or `line`.
    pub paragraphs: String,
    /// `host` or `domain`.
    pub site: String,
    /// The field of the text, where one was named.
    pub text_field: Option<String>,
    /// The field of the id, where one was named.
    pub id_field: Option<String>,
    /// The field of the url, where one was named.
    pub url_field: Option<String>,
    /// The field of the site, where one was named.
    pub site_field: Option<String>,
    /// Bytes of the longest record that is read.
    pub max_record: u64,
}

/// Documents by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// All records.
    pub read: u64,
    /// Those that stay.
    pub kept: u64,
    /// Duplicates.
    pub removed: u64,
    /// Those that could not be read.
    pub rejected: u64,
}

/// Decompressed bytes by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// All.
    pub read: u64,
    /// Of records that stay, line terminators included.
    pub kept: u64,
    /// Of duplicates.
    pub removed: u64,
    /// Taken out of records that stay.
    pub stripped: u64,
    /// Of records that could not be read.
    pub rejected: u64,
    /// Blank lines and byte order marks.
    pub framing: u64,
}

/// Findings by kind.
pub type FindingCounts = BTreeMap<String, u64>;

/// How candidate pairs were found, and what that misses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// `signatures` or `exact`.
    pub candidates: String,
    /// Hash functions of a signature.
    pub functions: usize,
    /// Bands.
    pub bands: usize,
    /// Rows of a band.
    pub rows: usize,
    /// Equal values, of all, that the prefilter asks for.
    pub prefilter: f64,
    /// Probability that a lone pair at exactly the threshold is missed.
    pub miss_at_threshold: f64,
    /// The same for containment, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containment: Option<ContainmentRecall>,
}

/// How documents inside longer ones were found, and what that misses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainmentRecall {
    /// Shingles that are sampled of a document; 0 where candidates are `exact`.
    pub sampled: usize,
    /// How many of these another document must have.
    pub least: usize,
    /// Probability that a lone pair at exactly the threshold is missed.
    pub miss_at_threshold: f64,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub shard: String,
    /// Its format.
    pub format: Format,
    /// Its compression; of a folder that of its first file.
    pub compression: Compression,
    /// Where it lay, as INPUT and the folders below it named it; absent for standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// It is a folder.
    pub folder: bool,
    /// Its files, in order, where each is a document; none otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<InputFile>,
    /// Documents read, rejected ones included.
    pub documents: u64,
    /// Decompressed bytes.
    pub bytes: u64,
    /// XXH3-128 of the decompressed bytes, in hex.
    pub hash: String,
}

impl Input {
    /// Whether its file is compressed, and so its findings are; those of a folder never are.
    pub fn packed(&self) -> bool {
        !self.folder && self.compression != Compression::None
    }

    /// The paths of all its files, below `corpus/` and `removed/`.
    pub fn paths(&self) -> Vec<String> {
        if self.folder {
            self.files.iter().map(|file| self.path_of(file)).collect()
        } else {
            vec![self.shard.clone()]
        }
    }

    /// The path of one of its files, below `corpus/` and `removed/`.
    pub fn path_of(&self, file: &InputFile) -> String {
        if self.folder { format!("{}/{}", self.shard, file.name) } else { self.shard.clone() }
    }
}

/// A file that is a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name.
    pub name: String,
    /// Its compression.
    pub compression: Compression,
}

/// A file of records in DIR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its path below DIR.
    pub path: String,
    /// Its size on disk.
    pub bytes: u64,
    /// XXH3-128 of its bytes on disk, in hex.
    pub hash: String,
}

/// A site that lost much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteLoss {
    /// The site.
    pub site: String,
    /// How many documents it had.
    pub documents: u64,
    /// How many were removed.
    pub removed: u64,
}

/// How long a stage took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage.
    pub stage: String,
    /// Wall time in seconds.
    pub seconds: f64,
}
