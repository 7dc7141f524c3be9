//! The pages of one site after the other.
//!
//! A partition of the census holds the pages of many sites as they came in. Its sites are taken together as far as memory
//! allows: one reading of the partition for each such group. A site that is larger than that is not held; whoever asks for
//! its pages reads them again.

use std::ops::Range;

use rayon::prelude::*;

use super::census::{Census, Page, numbers_of};
use super::means::Means;
use crate::error::Result;

/// The rows of one site, in document order.
pub struct SiteRows<'a> {
    census: &'a Census,
    /// Its number.
    pub site: u32,
    held: Option<Held<'a>>,
}

/// Rows that are in memory.
struct Held<'a> {
    bytes: &'a [u8],
    rows: &'a [HeldRow],
}

/// A document, and where its row is.
type HeldRow = (u32, Range<usize>);

/// Rows that are worked on together.
const BLOCK: usize = 1 << 10;

/// A block of so many bytes is full with fewer rows, too.
const BLOCK_BYTES: usize = 1 << 18;

impl SiteRows<'_> {
    /// The numbers of all documents and their sequences, in document order.
    pub fn for_each_number(&self, mut each: impl FnMut(u32, Option<u128>, &[u8])) -> Result<()> {
        self.for_each_block(|rows| {
            for row in rows {
                let (document, _, sequence) = numbers_of(row)?;
                each(document, sequence, row);
            }
            Ok(())
        })
    }

    /// The pages of some documents, which ascend.
    pub fn pages(&self, documents: &[u32]) -> Result<Vec<Page>> {
        let mut pages = Vec::with_capacity(documents.len());
        let mut next = documents.iter().peekable();
        self.for_each_block(|rows| {
            for row in rows {
                if next.next_if_eq(&&numbers_of(row)?.0).is_some() {
                    let mut page = Page::default();
                    self.census.decode(row, &mut page)?;
                    pages.push(page);
                }
            }
            Ok(())
        })?;
        Ok(pages)
    }

    /// What `work` makes of each page of a document that is `wanted`, on all threads; `take` gets it in document order.
    pub fn for_each_page<T: Send>(
        &self,
        wanted: impl Fn(u32) -> bool + Sync,
        work: impl Fn(&Page) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        self.for_each_block(|rows| {
            made(self.census, rows, &wanted, &work)?.into_iter().try_for_each(&mut take)
        })
    }

    fn for_each_block(&self, mut each: impl FnMut(&[&[u8]]) -> Result<()>) -> Result<()> {
        if let Some(Held { bytes, rows }) = self.held {
            return rows.chunks(BLOCK).try_for_each(|rows| {
                each(&rows.iter().map(|(_, row)| &bytes[row.clone()]).collect::<Vec<_>>())
            });
        }
        let partition = self.census.partition_of(self.site);
        for_each_block_of_rows(self.census, partition, |_, site| site == self.site, each)
    }
}

/// What `work` makes of the pages of these rows whose documents are `wanted`.
fn made<T: Send>(
    census: &Census,
    rows: &[&[u8]],
    wanted: &(impl Fn(u32) -> bool + Sync),
    work: &(impl Fn(&Page) -> T + Sync),
) -> Result<Vec<T>> {
    let one = |page: &mut Page, row: &&[u8]| {
        let document = numbers_of(row).map(|(document, ..)| document);
        match document {
            Ok(document) if !wanted(document) => None,
            _ => Some(document.and_then(|_| census.decode(row, page)).map(|()| work(page))),
        }
    };
    let made = rows.par_iter().with_min_len(32).map_init(Page::default, one);
    made.filter_map(|made| made).collect()
}

/// Some thousand rows of a partition at a time, those of documents and sites that are `wanted`.
fn for_each_block_of_rows(
    census: &Census,
    partition: usize,
    wanted: impl Fn(u32, u32) -> bool,
    mut each: impl FnMut(&[&[u8]]) -> Result<()>,
) -> Result<()> {
    let mut reader = census.rows(partition);
    let (mut row, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let more = reader.next(&mut row)?;
        if more {
            let (document, site, _) = numbers_of(&row)?;
            if wanted(document, site) {
                bytes.extend_from_slice(&row);
                ends.push(bytes.len());
            }
        }
        if ends.len() == BLOCK || !more {
            let mut start = 0;
            let row = |&end: &usize| &bytes[std::mem::replace(&mut start, end)..end];
            let rows: Vec<&[u8]> = ends.iter().map(row).collect();
            each(&rows)?;
            census.check()?;
            bytes.clear();
            ends.clear();
        }
        if !more {
            return Ok(());
        }
    }
}

/// Some pages, not decoded yet.
pub struct Block<'a> {
    census: &'a Census,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Block<'_> {
    fn is_full(&self) -> bool {
        self.ends.len() == BLOCK || self.bytes.len() >= BLOCK_BYTES
    }

    /// Calls `each` with every page.
    pub fn for_each(&self, mut each: impl FnMut(&Page)) -> Result<()> {
        let (mut page, mut start) = (Page::default(), 0);
        for &end in &self.ends {
            self.census.decode(&self.bytes[std::mem::replace(&mut start, end)..end], &mut page)?;
            each(&page);
        }
        Ok(())
    }
}

/// Blocks that are made before they are taken. The same for any number of threads, as nothing may rest on it.
const BLOCKS: usize = 32;

/// What `work` makes of blocks of pages, those of documents that are `wanted`, on all threads. Partition by partition, and in
/// document order in each; the partitions are the same whatever the memory.
pub fn for_each_block<T: Send>(
    census: &Census,
    wanted: impl Fn(u32) -> bool,
    work: impl Fn(&Block) -> Result<T> + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut finish = |blocks: &mut Vec<Block>| {
        let made: Vec<Result<T>> = blocks.par_iter().map(&work).collect();
        blocks.clear();
        census.check()?;
        made.into_iter().try_for_each(|made| take(made?))
    };
    for partition in 0..census.partition_count() {
        let (mut reader, mut row) = (census.rows(partition), Vec::new());
        while reader.next(&mut row)? {
            if !wanted(numbers_of(&row)?.0) {
                continue;
            }
            if blocks.last().is_none_or(Block::is_full) {
                if blocks.len() == BLOCKS {
                    finish(&mut blocks)?;
                }
                blocks.push(Block { census, bytes: Vec::new(), ends: Vec::new() });
            }
            if let Some(block) = blocks.last_mut() {
                block.bytes.extend_from_slice(&row);
                block.ends.push(block.bytes.len());
            }
        }
    }
    finish(&mut blocks)
}

/// What `work` makes of the page of each document that is `wanted`, in the order of [`for_each_block`].
pub fn for_each_page<T: Send>(
    census: &Census,
    wanted: impl Fn(u32) -> bool,
    work: impl Fn(&Page) -> T + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let all = |block: &Block| {
        let mut made = Vec::with_capacity(block.ends.len());
        block.for_each(|page| made.push(work(page)))?;
        Ok(made)
    };
    for_each_block(census, wanted, all, |made| made.into_iter().try_for_each(&mut take))
}

/// Small sites are worked on together, one on a thread; larger ones one at a time, for what they need in memory.
const SMALL: u64 = 4 << 20;

/// What `work` makes of the sites that are `wanted`; `take` gets it with the site's number. The order of sites means nothing,
/// but is always the same for one number of partitions.
pub fn for_each_site<T: Send>(
    census: &Census,
    means: &Means,
    wanted: impl Fn(u32) -> bool,
    work: impl Fn(&SiteRows) -> Result<T> + Sync,
    mut take: impl FnMut(u32, T) -> Result<()>,
) -> Result<()> {
    let room = means.work(2) as u64;
    for partition in 0..census.partition_count() {
        let sites = (partition..census.sites.len()).step_by(census.partition_count());
        let mut left: Vec<u32> = sites.map(|site| site as u32).filter(|&site| wanted(site)).collect();
        let bytes = |site: u32| census.sites[site as usize].bytes;
        let (large, fitting): (Vec<u32>, Vec<u32>) = left.drain(..).partition(|&site| bytes(site) > room);
        for site in large {
            take(site, work(&SiteRows { census, site, held: None })?)?;
        }
        let mut rest = &fitting[..];
        while !rest.is_empty() {
            let mut sum = 0;
            let fits = |&&site: &&u32| {
                sum += bytes(site);
                sum <= room
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let group = Group::load(census, partition, &rest[..count])?;
            rest = &rest[count..];
            group.work(census, &work, &mut take)?;
        }
    }
    Ok(())
}

type SiteAndRows = (u32, Vec<HeldRow>);

/// Some sites of a partition, in memory.
struct Group {
    bytes: Vec<u8>,
    /// The rows of each site; ascending.
    rows: Vec<SiteAndRows>,
}

impl Group {
    fn load(census: &Census, partition: usize, sites: &[u32]) -> Result<Group> {
        let total: u64 = sites.iter().map(|&site| census.sites[site as usize].bytes).sum();
        let mut group = Group {
            bytes: Vec::with_capacity(total as usize),
            rows: sites.iter().map(|&site| (site, Vec::new())).collect(),
        };
        let mut reader = census.rows(partition);
        let mut row = Vec::new();
        while reader.next(&mut row)? {
            let (document, site, _) = numbers_of(&row)?;
            if let Ok(place) = sites.binary_search(&site) {
                let start = group.bytes.len();
                group.bytes.extend_from_slice(&row);
                group.rows[place].1.push((document, start..group.bytes.len()));
            }
        }
        Ok(group)
    }

    fn work<T: Send>(
        &self,
        census: &Census,
        work: &(impl Fn(&SiteRows) -> Result<T> + Sync),
        take: &mut impl FnMut(u32, T) -> Result<()>,
    ) -> Result<()> {
        let of_site = |(site, rows): &SiteAndRows| {
            let held = Some(Held { bytes: &self.bytes, rows });
            Ok((*site, work(&SiteRows { census, site: *site, held })?))
        };
        let is_small = |(site, _): &&(u32, Vec<_>)| census.sites[*site as usize].bytes <= SMALL;
        let (small, large): (Vec<_>, Vec<_>) = self.rows.iter().partition(is_small);
        for sites in small.chunks(BLOCK) {
            let made: Vec<Result<(u32, T)>> = sites.par_iter().map(|site| of_site(site)).collect();
            for made in made {
                let (site, made) = made?;
                take(site, made)?;
            }
        }
        for site in large {
            let (site, made) = of_site(site)?;
            take(site, made)?;
        }
        Ok(())
    }
}
