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
    rows: &'a [(u32, Range<usize>)],
}

/// Rows that are worked on together.
const BLOCK: usize = 1 << 10;

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

    /// What `work` makes of each page, on all threads; `take` gets it in document order.
    pub fn for_each_page<T: Send>(
        &self,
        work: impl Fn(&Page) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        self.for_each_block(|rows| {
            let one = |page: &mut Page, row: &&[u8]| {
                self.census.decode(row, page)?;
                Ok(work(page))
            };
            let made: Vec<Result<T>> =
                rows.par_iter().with_min_len(32).map_init(Page::default, one).collect();
            made.into_iter().try_for_each(|made| take(made?))
        })
    }

    fn for_each_block(&self, mut each: impl FnMut(&[&[u8]]) -> Result<()>) -> Result<()> {
        if let Some(Held { bytes, rows }) = self.held {
            return rows.chunks(BLOCK).try_for_each(|rows| {
                each(&rows.iter().map(|(_, row)| &bytes[row.clone()]).collect::<Vec<_>>())
            });
        }
        let mut reader = self.census.rows(self.census.partition_of(self.site));
        let (mut row, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let more = reader.next(&mut row)?;
            if more && numbers_of(&row)?.1 == self.site {
                bytes.extend_from_slice(&row);
                ends.push(bytes.len());
            }
            if ends.len() == BLOCK || !more {
                let mut start = 0;
                let row = |&end: &usize| &bytes[std::mem::replace(&mut start, end)..end];
                let rows: Vec<&[u8]> = ends.iter().map(row).collect();
                each(&rows)?;
                bytes.clear();
                ends.clear();
            }
            if !more {
                return Ok(());
            }
        }
    }
}

/// Pages that are read together.
const PAGES: usize = 1 << 12;

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

/// Some sites of a partition, in memory.
struct Group {
    bytes: Vec<u8>,
    /// Site, document and where its row is; ascending.
    rows: Vec<(u32, Vec<(u32, Range<usize>)>)>,
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
        let of_site = |(site, rows): &(u32, Vec<(u32, Range<usize>)>)| {
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

/// The pages of a partition, some thousand at a time, in document order.
pub fn for_each_block(
    census: &Census,
    partition: usize,
    mut each: impl FnMut(&[Page]) -> Result<()>,
) -> Result<()> {
    let mut reader = census.rows(partition);
    let mut pages: Vec<Page> = Vec::new();
    let mut row = Vec::new();
    while reader.next(&mut row)? {
        let mut page = Page::default();
        census.decode(&row, &mut page)?;
        pages.push(page);
        if pages.len() == PAGES {
            each(&pages)?;
            pages.clear();
        }
    }
    each(&pages)
}
