//! What is stored of a census, while it is taken and when it is whole.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::records::{RecordFiles, RecordSpool};
use super::vocabulary::Vocabulary;
use super::{
    Census, Failures, Rejections, RejectionsWriter, Seen, ShardFacts, SiteFacts, Taking, damaged,
    repeated_on_site,
};
use crate::corpus::{Shard, ShardDigest};
use crate::document::DocId;
use crate::error::Result;
use crate::findings::RejectedRecord;
use crate::pipeline::chunks::Place;
use crate::pipeline::course::{Keeping, Stored, column, unpacked};
use crate::pipeline::firsts::Firsts;
use crate::pipeline::means::Means;
use crate::pipeline::settings::Settings;
use crate::store::{
    Column, ColumnWriter, Parted, Partitions, Rows, RowsWriter, SavedBytes, SavedColumn, SavedPartitions,
    SavedRows, SavedSorter, Sorter,
};

/// A whole census.
#[derive(Serialize, Deserialize)]
pub struct CensusState {
    facts: Vec<ShardFacts>,
    columns: Columns,
    rejected: RejectedState,
    seen: Seen,
    protected: Vec<u32>,
    first_copy: SavedBytes,
    heads: SavedRows,
    pages: SavedPartitions,
    addresses: SavedColumn,
    records: SavedBytes,
    vocabulary: SavedBytes,
}

/// What is held of sites and of documents.
#[derive(Serialize, Deserialize)]
struct Columns {
    /// Name, documents, bytes.
    sites: SavedBytes,
    site_of: SavedColumn,
    token_counts: SavedColumn,
    within: SavedColumn,
}

type SiteRow = (String, u32, u64);

#[derive(Serialize, Deserialize)]
struct RejectedState {
    /// As JSON: records leave fields out, which a state cannot.
    first: Vec<String>,
    count: u64,
    bytes: u64,
    rows: SavedRows,
    ids: SavedBytes,
}

impl Columns {
    fn of(
        sites: &[SiteFacts],
        [site_of, token_counts, within]: [&[u32]; 3],
        keeping: &mut Keeping,
    ) -> Result<Columns> {
        let row = |site: &SiteFacts| (site.name.to_string(), site.documents, site.bytes);
        let sites: Vec<SiteRow> = sites.iter().map(row).collect();
        let mut column = |name, values: &[u32]| keeping.column(name, values.iter().copied());
        Ok(Columns {
            site_of: column("site-of", site_of)?,
            token_counts: column("token-counts", token_counts)?,
            within: column("within", within)?,
            sites: keeping.packed("sites", &sites)?,
        })
    }

    fn sites(&self, means: &Means) -> Result<Vec<SiteFacts>> {
        let rows: Vec<SiteRow> = unpacked(&self.sites, means)?;
        let site = |(name, documents, bytes): SiteRow| SiteFacts { name: Arc::from(name), documents, bytes };
        Ok(rows.into_iter().map(site).collect())
    }
}

impl Stored for Census {
    type State = CensusState;

    fn store(&self, keeping: &mut Keeping) -> Result<CensusState> {
        Ok(CensusState {
            facts: self.facts.clone(),
            columns: Columns::of(&self.sites, [&self.site_of, &self.token_counts, &self.within], keeping)?,
            rejected: RejectedState {
                first: json(&self.rejected.first)?,
                count: self.rejected.count,
                bytes: self.rejected.bytes,
                rows: keeping.saved(self.rejected.rows.save()?),
                ids: keeping.packed("rejected-ids", &self.rejected.ids)?,
            },
            seen: self.seen.clone(),
            protected: sorted(self.protected.iter().copied()),
            first_copy: keeping.packed("first-copies", &self.first_copy)?,
            heads: keeping.saved(self.heads.save()?),
            pages: keeping.saved(self.parted.save()?),
            addresses: keeping.saved(self.addresses.save()?),
            records: keeping.saved(self.records.save()?),
            vocabulary: keeping.packed("vocabulary", &self.vocabulary.tokens())?,
        })
    }
}

impl Census {
    /// As it was when its state was saved.
    pub(super) fn given_back(
        state: CensusState,
        shards: &[Shard],
        settings: &Settings,
        means: &Means,
    ) -> Result<Census> {
        let workspace = &means.workspace;
        let CensusState { facts, columns, rejected, seen, protected, first_copy, .. } = state;
        let site_of: Vec<u32> = column(&columns.site_of, means)?;
        let first_copy: Firsts = unpacked(&first_copy, means)?;
        let parted = Parted::reopen(workspace, &state.pages, means.pages)?;
        Ok(Census {
            shards: shards.to_vec(),
            facts,
            sites: columns.sites(means)?,
            rejected: Rejections {
                first: records(&rejected.first)?,
                count: rejected.count,
                bytes: rejected.bytes,
                rows: Rows::reopen(workspace, &rejected.rows, super::REJECTED_BYTES)?,
                ids: unpacked(&rejected.ids, means)?,
            },
            seen,
            repeated_on_site: repeated_on_site(&first_copy, &site_of),
            first_copy,
            site_of,
            token_counts: column(&columns.token_counts, means)?,
            within: column(&columns.within, means)?,
            protected: protected.into_iter().collect(),
            heads: Rows::reopen(workspace, &state.heads, means.heads)?,
            pages: (0..parted.count()).map(|number| parted.open(number)).collect::<Result<_>>()?,
            parted,
            addresses: Column::reopen(workspace, &state.addresses, means.addresses)?,
            records: RecordFiles::reopen(workspace, &state.records, means.records, settings.fields.clone())?,
            vocabulary: Vocabulary::of_numbered(unpacked(&state.vocabulary, means)?),
            failures: Failures::default(),
            stop: means.stop.clone(),
        })
    }
}

/// A census that is being taken.
#[derive(Serialize, Deserialize)]
pub struct TakingState {
    place: Place,
    digests: Vec<ShardDigest>,
    facts: Vec<(u64, u64)>,
    columns: Columns,
    within_values: SavedBytes,
    protected: Vec<u32>,
    found_protected: Vec<String>,
    seen: Seen,
    sequences: SavedSorter,
    heads: SavedRows,
    pages: SavedPartitions,
    addresses: SavedColumn,
    records: SavedBytes,
    rejected: RejectedState,
    vocabulary: SavedBytes,
}

impl<'a> Taking<'a> {
    /// What is done so far. The vocabulary is settled, and no record is half read.
    pub(super) fn store(&mut self, vocabulary: &Vocabulary, keeping: &mut Keeping) -> Result<TakingState> {
        let within_values: Vec<(&String, &u32)> = sorted(&self.within_values);
        Ok(TakingState {
            place: self.place,
            digests: self.digests.clone(),
            facts: self.facts.clone(),
            columns: Columns::of(&self.sites, [&self.site_of, &self.token_counts, &self.within], keeping)?,
            within_values: keeping.packed("within-values", &within_values)?,
            protected: sorted(self.protected.iter().copied()),
            found_protected: sorted(self.found_protected.iter().cloned()),
            seen: self.seen.clone(),
            sequences: keeping.saved(self.sequences.save()?),
            heads: keeping.saved(self.heads.save()?),
            pages: keeping.saved(self.pages.save()?),
            addresses: keeping.saved(self.addresses.save()?),
            records: keeping.saved(self.records.save()?),
            rejected: self.rejected.store(keeping)?,
            vocabulary: keeping.packed("vocabulary", &vocabulary.tokens())?,
        })
    }

    /// As it was when its state was saved.
    pub(super) fn go_on(
        state: TakingState,
        shards: &'a [Shard],
        settings: &'a Settings,
        means: &Means,
        vocabulary: &OnceLock<Vocabulary>,
    ) -> Result<Taking<'a>> {
        let workspace = &means.workspace;
        let tokens = unpacked(&state.vocabulary, means)?;
        vocabulary.get_or_init(|| Vocabulary::of_numbered(tokens));
        let sites = state.columns.sites(means)?;
        let within_values: Vec<(String, u32)> = unpacked(&state.within_values, means)?;
        Ok(Taking {
            place: state.place,
            digests: state.digests,
            facts: state.facts,
            numbers: (0..).zip(&sites).map(|(number, site)| (site.name.clone(), number)).collect(),
            sites,
            site_of: column(&state.columns.site_of, means)?,
            token_counts: column(&state.columns.token_counts, means)?,
            within: column(&state.columns.within, means)?,
            within_values: within_values.into_iter().collect::<HashMap<_, _>>(),
            protected: state.protected.into_iter().collect(),
            found_protected: state.found_protected.into_iter().collect(),
            seen: state.seen,
            sequences: Sorter::resume(workspace, &state.sequences, means.work(4))?,
            heads: RowsWriter::resume(workspace, &state.heads, means.heads)?,
            pages: Partitions::resume(workspace, &state.pages, means.pages)?,
            addresses: ColumnWriter::resume(workspace, &state.addresses, means.addresses)?,
            records: RecordSpool::resume(workspace, &state.records, means.records)?,
            rejected: RejectionsWriter::go_on(state.rejected, means)?,
            ..Taking::begin(shards, settings, means)?
        })
    }
}

impl RejectionsWriter {
    fn store(&mut self, keeping: &mut Keeping) -> Result<RejectedState> {
        Ok(RejectedState {
            first: json(&self.first)?,
            count: self.count,
            bytes: self.bytes,
            rows: keeping.saved(self.rows.save()?),
            ids: keeping.packed("rejected-ids", &self.ids)?,
        })
    }

    fn go_on(state: RejectedState, means: &Means) -> Result<RejectionsWriter> {
        let RejectedState { first, count, bytes, rows, ids } = state;
        let rows = RowsWriter::resume(&means.workspace, &rows, super::REJECTED_BYTES)?;
        let first = records(&first)?;
        Ok(RejectionsWriter { first, count, bytes, rows, ids: unpacked::<Vec<DocId>>(&ids, means)? })
    }
}

fn json(records: &[RejectedRecord]) -> Result<Vec<String>> {
    records.iter().map(serde_json::to_string).collect::<serde_json::Result<_>>().map_err(|_| damaged())
}

fn records(json: &[String]) -> Result<Vec<RejectedRecord>> {
    json.iter()
        .map(|json| serde_json::from_str(json))
        .collect::<serde_json::Result<_>>()
        .map_err(|_| damaged())
}

fn sorted<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values
}
