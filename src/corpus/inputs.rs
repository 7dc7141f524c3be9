//! Which files do the INPUT arguments name?
//!
//! Arguments in, [`Shard`]s out, in the order of the arguments and, inside a folder or glob, of path bytes. What was
//! *named* is taken, or is an error; what was *found* in a folder or by a glob is taken when its extension is known,
//! and else skipped and counted: hidden names, symbolic links, unknown kinds.
//!
//! Taking a file too few in silence would be the harmful mistake, so an INPUT that names nothing is an error, and so
//! are two files that would be written to one place.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use super::{Compression, Format, Part, Shard};
use crate::error::{Error, Result};

/// What the INPUT arguments name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The shards in document order, each name once; at least one.
    pub shards: Vec<Shard>,
    /// What was found and not taken.
    pub skipped: Skipped,
}

/// What was found in folders and by globs and not taken. A folder counts as one and is not looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Names that begin with a dot.
    pub hidden: u64,
    /// Symbolic links.
    pub links: u64,
    /// Files whose extension is not known (with a format given: is none of its), and what is no file at all.
    pub unknown: u64,
    /// Folders that hold a finished run: its answers are no input, unless they are named.
    pub runs: u64,
}

/// The file that says that a folder was written by a run.
pub const MARKER: &str = ".dittograph";

/// Finds the files of all `inputs`: files, folders, globs (`*`, `?`, `[…]`, `{…}`, `**`), `@LIST` (an INPUT a line,
/// relative to the working directory) and `-` (standard input, which is first copied to a new file in `spool_dir`).
///
/// A file's shard is named by its file name; what is found in a folder, by its path below the folder; what a glob
/// finds, by its path below the part of the glob that holds no wildcard. The text files of one folder are one shard,
/// named like the folder; it stands where the first of its files would. With `format`, every named file and
/// every match of a glob is read as that, and folders are searched for its extensions alone.
///
/// # Errors
/// [`Error::Input`] for an INPUT that names nothing, a named file of unknown extension, a url, two shards of one name,
/// nothing to read at all; [`Error::Io`] where the system fails.
pub fn find_shards(inputs: &[String], format: Option<Format>, spool_dir: &Path) -> Result<Inputs> {
    find_with_stdin(inputs, format, spool_dir, &mut io::stdin().lock())
}

/// [`find_shards`] with another standard input.
pub(super) fn find_with_stdin(
    inputs: &[String],
    format: Option<Format>,
    spool_dir: &Path,
    stdin: &mut dyn Read,
) -> Result<Inputs> {
    let mut search = Search { format, spool_dir, stdin, spooled: false, found: Inputs::default() };
    for input in inputs {
        match input.strip_prefix('@') {
            Some(list) => search.list(list)?,
            None => search.input(input, input)?,
        }
    }
    let found = search.found;
    if found.shards.is_empty() {
        return Err(nothing(inputs, &found.skipped, format));
    }
    check_names(&found.shards)?;
    Ok(found)
}

struct Search<'a> {
    format: Option<Format>,
    spool_dir: &'a Path,
    stdin: &'a mut dyn Read,
    spooled: bool,
    found: Inputs,
}

impl Search<'_> {
    fn list(&mut self, list: &str) -> Result<()> {
        let bytes = fs::read(list).map_err(Error::io(list))?;
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let place = format!("{list}, line {}", index + 1);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = std::str::from_utf8(line).map_err(|_| problem(&place, "not UTF-8"))?;
            if line.starts_with('@') {
                return Err(problem(
                    &place,
                    "a list cannot name another list; give both on the command line",
                ));
            }
            if !line.trim().is_empty() {
                self.input(line, &format!("{place}: {line}"))?;
            }
        }
        Ok(())
    }

    /// `shown` is the input as messages name it.
    fn input(&mut self, input: &str, shown: &str) -> Result<()> {
        if input == "-" {
            return self.standard_input(shown);
        }
        if let Some(scheme) = scheme(input) {
            let why = format!("reading from {scheme}:// is not there yet; download it and name the files");
            return Err(problem(shown, &why));
        }
        let path = Path::new(input);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(metadata) if metadata.is_file() => self.file(path, shown),
            Ok(_) => Err(problem(shown, "neither a file nor a folder; a pipe is read with - as the INPUT")),
            Err(error) if is_missing(&error) && input.contains(['*', '?', '[', '{']) => {
                self.glob(input, shown)
            }
            Err(error) if is_missing(&error) => Err(problem(shown, "no such file or folder")),
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    fn file(&mut self, path: &Path, shown: &str) -> Result<()> {
        let Some(format) = self.format.or(Format::of(path).map(|(format, _)| format)) else {
            let why =
                format!("unknown extension (known: {}); say what it is with --format", known_extensions());
            return Err(problem(shown, &why));
        };
        let name = path.file_name().map(lossy).unwrap_or_default();
        self.found.shards.push(file_shard(path, name, format));
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        let found = self.walk(folder)?;
        self.take_walked(folder, &base_name(folder), found);
        Ok(())
    }

    fn glob(&mut self, pattern: &str, shown: &str) -> Result<()> {
        let glob = Glob::new(pattern).map_err(|why| problem(shown, &why))?;
        if !glob.base.is_dir() {
            return Err(problem(shown, "no such file or folder, and nothing matches it as a pattern"));
        }
        let matches = glob.matches(&mut self.found.skipped)?;
        if matches.is_empty() {
            return Err(problem(shown, "nothing matches"));
        }
        for (path, is_folder) in matches {
            if is_folder {
                let found = self.walk(&path)?;
                // Names are counted from the base of the glob, so that two matched folders do not clash.
                self.take_walked(&glob.base, &base_name(&glob.base), found);
            } else {
                match self.format.or(Format::of(&path).map(|(format, _)| format)) {
                    Some(format) => {
                        let name = below(&glob.base, &path);
                        self.found.shards.push(file_shard(&path, name, format));
                    }
                    None => self.found.skipped.unknown += 1,
                }
            }
        }
        Ok(())
    }

    /// The files of known kinds below a folder, in the order of their path bytes.
    fn walk(&mut self, folder: &Path) -> Result<Vec<(PathBuf, Format)>> {
        let mut found = Vec::new();
        let mut walk = WalkDir::new(folder).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(walk_error)?;
            let kind = entry.file_type();
            let known = Format::of(entry.path()).map(|(format, _)| format);
            if is_hidden(&entry) {
                self.found.skipped.hidden += 1;
                if kind.is_dir() {
                    walk.skip_current_dir();
                }
            } else if kind.is_symlink() {
                self.found.skipped.links += 1;
            } else if kind.is_dir() && entry.path().join(MARKER).is_file() {
                self.found.skipped.runs += 1;
                walk.skip_current_dir();
            } else if kind.is_dir() {
                // Looked into by the walk.
            } else if let Some(format) =
                known.filter(|&known| kind.is_file() && self.format.is_none_or(|given| given == known))
            {
                found.push((entry.into_path(), format));
            } else {
                self.found.skipped.unknown += 1;
            }
        }
        found.sort_by(|a, b| a.0.as_os_str().as_encoded_bytes().cmp(b.0.as_os_str().as_encoded_bytes()));
        Ok(found)
    }

    /// Makes shards of walked files: those that are documents go to the shard of their folder.
    fn take_walked(&mut self, root: &Path, root_name: &str, found: Vec<(PathBuf, Format)>) {
        let mut shard_of: HashMap<PathBuf, usize> = HashMap::new();
        for (path, format) in found {
            if !format.is_file_a_document() {
                let name = below(root, &path);
                self.found.shards.push(file_shard(&path, name, format));
                continue;
            }
            let folder = path.parent().unwrap_or(root).to_owned();
            let shards = &mut self.found.shards;
            let index = *shard_of.entry(folder).or_insert_with_key(|folder| {
                let name =
                    Some(below(root, folder)).filter(|name| !name.is_empty()).unwrap_or(root_name.to_owned());
                shards.push(Shard { site: name.clone(), name, format, folder: true, parts: Vec::new() });
                shards.len() - 1
            });
            shards[index].parts.push(part(&path));
        }
    }

    fn standard_input(&mut self, shown: &str) -> Result<()> {
        if std::mem::replace(&mut self.spooled, true) {
            return Err(problem(shown, "standard input can be read only once"));
        }
        let (path, compression) = spool(self.stdin, self.spool_dir)?;
        let format = self.format.unwrap_or(Format::Jsonl);
        let name = format!("stdin.{}{}", format.extensions()[0], compression.suffix());
        let parts = vec![Part { path, name: name.clone(), compression }];
        self.found.shards.push(Shard { site: name.clone(), name, format, folder: false, parts });
        Ok(())
    }
}

/// Copies all of `source`, as it is, to a new file that only its owner can read.
fn spool(source: &mut dyn Read, folder: &Path) -> Result<(PathBuf, Compression)> {
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let spool = tempfile::Builder::new().prefix("stdin-").tempfile_in(folder).map_err(Error::io(folder))?;
    let (mut file, path) = spool.keep().map_err(|failed| Error::io(folder)(failed.error))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => file.write_all(&buffer[..read]).map_err(Error::io(&path))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("standard input")(error)),
        }
    }
    let mut head = Vec::new();
    File::open(&path).and_then(|file| file.take(4).read_to_end(&mut head)).map_err(Error::io(&path))?;
    Ok((path, Compression::sniff(&head)))
}

/// A glob, cut where its first wildcard stands.
struct Glob {
    base: PathBuf,
    matcher: GlobMatcher,
    /// How many folders deep a match can lie; none: any.
    depth: Option<usize>,
    /// Whether the pattern itself names hidden files.
    hidden: bool,
}

impl Glob {
    fn new(pattern: &str) -> std::result::Result<Glob, String> {
        let wild = pattern.find(['*', '?', '[', '{']).unwrap_or(0);
        let cut = pattern[..wild].rfind('/').map_or(0, |slash| slash + 1);
        let (base, rest) = pattern.split_at(cut);
        let rest = rest.trim_end_matches('/');
        let glob = GlobBuilder::new(rest)
            .literal_separator(true)
            .build()
            .map_err(|error| error.kind().to_string())?;
        Ok(Glob {
            base: PathBuf::from(if base.is_empty() { "." } else { base }),
            matcher: glob.compile_matcher(),
            depth: (!rest.contains("**")).then(|| rest.matches('/').count() + 1),
            hidden: rest.split('/').any(|part| part.starts_with('.')),
        })
    }

    /// What matches, in the order of path bytes, and whether it is a folder. What lies in a matched folder belongs to
    /// that folder and is no match of its own.
    fn matches(&self, skipped: &mut Skipped) -> Result<Vec<(PathBuf, bool)>> {
        let mut found = Vec::new();
        let depth = self.depth.unwrap_or(usize::MAX);
        let mut walk = WalkDir::new(&self.base).min_depth(1).max_depth(depth).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(walk_error)?;
            let kind = entry.file_type();
            let below = entry.path().strip_prefix(&self.base).unwrap_or(entry.path());
            let matched = self.matcher.is_match(below);
            let hidden = is_hidden(&entry) && !self.hidden;
            // A folder that the pattern reaches into counts as skipped even when it does not match itself.
            let entered = entry.depth() < depth && entry.path().is_dir();
            if kind.is_dir() && entry.depth() > 0 && entry.path().join(MARKER).is_file() {
                skipped.runs += 1;
                walk.skip_current_dir();
                continue;
            }
            if kind.is_dir() && (hidden || matched) {
                walk.skip_current_dir();
            }
            if hidden {
                skipped.hidden += u64::from(matched || entered);
            } else if kind.is_symlink() {
                skipped.links += u64::from(matched || entered);
            } else if matched && (kind.is_dir() || kind.is_file()) {
                found.push((entry.into_path(), kind.is_dir()));
            } else if matched {
                skipped.unknown += 1;
            }
        }
        found.sort_by(|a, b| a.0.as_os_str().as_encoded_bytes().cmp(b.0.as_os_str().as_encoded_bytes()));
        Ok(found)
    }
}

fn file_shard(path: &Path, name: String, format: Format) -> Shard {
    let site = match format.is_file_a_document() {
        true => base_name(path.parent().unwrap_or(Path::new(""))),
        false => name.clone(),
    };
    Shard { name, format, folder: false, parts: vec![part(path)], site }
}

fn part(path: &Path) -> Part {
    let name = path.file_name().map(lossy).unwrap_or_default();
    Part { path: path.to_owned(), name, compression: Compression::of(path) }
}

/// A folder's own name, also where it is written as `.`, `..` or nothing.
fn base_name(folder: &Path) -> String {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let full = || fs::canonicalize(folder).ok()?.file_name().map(lossy);
    folder.file_name().map(lossy).or_else(full).unwrap_or("root".to_owned())
}

/// The path below `root`, joined by `/`. Only plain names enter it: nothing absolute, no `..`.
fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names = below.components().filter_map(|component| match component {
        Component::Normal(name) => Some(lossy(name)),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// Bytes that are not UTF-8 become U+FFFD; names that this makes equal are found by [`check_names`].
fn lossy(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// No two shards may have one name, and no two files one place below an output folder.
fn check_names(shards: &[Shard]) -> Result<()> {
    let mut paths: HashMap<&str, &Path> = HashMap::new();
    for shard in shards {
        if let Some(other) = paths.insert(&shard.name, home(shard)) {
            return Err(clash(&shard.name, other, home(shard)));
        }
    }
    let mut files: HashMap<String, &Path> = HashMap::new();
    for (name, path) in shards.iter().flat_map(files_of) {
        if let Some(other) = files.insert(name.clone(), path) {
            return Err(clash(&name, other, path));
        }
    }
    let mut folders = HashSet::new();
    for (name, path) in shards.iter().flat_map(files_of) {
        for (slash, _) in name.match_indices('/') {
            let folder = &name[..slash];
            if folders.insert(folder.to_owned())
                && let Some(other) = files.get(folder)
            {
                return Err(clash(folder, other, path));
            }
        }
    }
    Ok(())
}

/// The file or folder that a shard is.
fn home(shard: &Shard) -> &Path {
    let first = shard.parts.first().map_or(Path::new(""), |part| &part.path);
    if shard.folder { first.parent().unwrap_or(first) } else { first }
}

/// The names under which a shard's files would be written.
fn files_of(shard: &Shard) -> impl Iterator<Item = (String, &Path)> {
    shard.parts.iter().map(|part| match shard.folder {
        true => (format!("{}/{}", shard.name, part.name), part.path.as_path()),
        false => (shard.name.clone(), part.path.as_path()),
    })
}

fn clash(name: &str, one: &Path, other: &Path) -> Error {
    let way_out = "give the folder that holds both, or quote the pattern so that names keep their folders";
    let why = match one == other {
        true => format!("{} is given twice", one.display()),
        false => format!("{} and {} would both be {name:?}; {way_out}", one.display(), other.display()),
    };
    problem(name, &why)
}

fn nothing(inputs: &[String], skipped: &Skipped, format: Option<Format>) -> Error {
    if inputs.is_empty() {
        return Error::Usage(
            "no INPUT: name files, folders, globs, @LIST, or - for standard input".to_owned(),
        );
    }
    let known = format.map_or_else(known_extensions, extensions_of);
    let Skipped { hidden, links, unknown, runs } = skipped;
    let why = format!(
        "nothing to read (skipped: {hidden} hidden, {links} symbolic links, {unknown} of unknown kind, {runs} finished runs; \
         known: {known}, with .gz or .zst; a file of another name is read when it is named and --format given)"
    );
    problem(&inputs.join(" "), &why)
}

fn known_extensions() -> String {
    Format::ALL.map(extensions_of).join(", ")
}

fn extensions_of(format: Format) -> String {
    format.extensions().iter().map(|extension| format!(".{extension}")).collect::<Vec<_>>().join(", ")
}

fn problem(input: &str, problem: &str) -> Error {
    let input = if input.is_empty() { "an empty INPUT" } else { input };
    Error::Input { input: input.to_owned(), problem: problem.to_owned() }
}

/// The scheme of something like `s3://bucket`.
fn scheme(input: &str) -> Option<&str> {
    let (scheme, _) = input.split_once("://")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(valid)).then_some(scheme)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn walk_error(error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(Path::new("")).to_owned();
    Error::Io { path, source: error.into() }
}

#[cfg(test)]
mod tests;
