//! A page as the census keeps it: paragraphs and tokens, without the text.
//!
//! Rows are made in two steps, since what is known of a document on any thread does not hold its number: a body first, then
//! the whole row.

use std::ops::Range;

use super::vocabulary::{Vocabulary, put_varint, take_bytes, take_varint};
use crate::boilerplate::{ParagraphKey, ParagraphSketch, SectionId};

/// One document without its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its number.
    pub document: u32,
    /// The number of its site.
    pub site: u32,
    /// Hash of its whole token sequence; `None` where it has no token.
    pub sequence: Option<u128>,
    /// The folders of its url.
    pub sections: Vec<SectionId>,
    /// Its paragraphs.
    pub paragraphs: Vec<Paragraph>,
    /// Hashes of its tokens, in text order.
    pub tokens: Vec<u64>,
}

/// One paragraph.
#[derive(Clone, Debug, PartialEq)]
pub struct Paragraph {
    /// Its tokens among the document's.
    pub tokens: Range<u32>,
    /// Its length in the text.
    pub bytes: u32,
    /// Whether it is an entry of a table of contents.
    pub listed: bool,
    /// Hash of its tokens with numbers masked; of its raw text where it has none.
    pub masked: ParagraphKey,
    /// Finds near forms of it.
    pub sketch: ParagraphSketch,
    /// Hash of its tokens; of its raw text where it has none.
    pub exact: u128,
}

impl Page {
    /// The token hashes of one of its paragraphs.
    pub fn tokens_of(&self, paragraph: &Paragraph) -> &[u64] {
        &self.tokens[paragraph.tokens.start as usize..paragraph.tokens.end as usize]
    }

    /// Appends all but the numbers of document and site.
    pub fn encode_body(&self, vocabulary: &Vocabulary, out: &mut Vec<u8>) {
        put_varint(self.sections.len() as u64 * 2 + u64::from(self.sequence.is_some()), out);
        if let Some(sequence) = self.sequence {
            out.extend_from_slice(&sequence.to_le_bytes());
        }
        self.sections.iter().for_each(|section| out.extend_from_slice(&section.to_le_bytes()));
        put_varint(self.paragraphs.len() as u64, out);
        for paragraph in &self.paragraphs {
            put_varint(paragraph.tokens.len() as u64 * 2 + u64::from(paragraph.listed), out);
            put_varint(u64::from(paragraph.bytes), out);
            out.extend_from_slice(&paragraph.masked.to_le_bytes());
            out.extend_from_slice(&paragraph.exact.to_le_bytes());
            paragraph.sketch.iter().for_each(|minimum| out.extend_from_slice(&minimum.to_le_bytes()));
        }
        vocabulary.encode(&self.tokens, out);
    }

    /// Becomes the page of a row. `None` where the bytes are no row.
    pub fn decode(&mut self, row: &[u8], vocabulary: &Vocabulary) -> Option<()> {
        let mut bytes = row;
        (self.document, self.site) = numbers(&mut bytes)?;
        let head = take_varint(&mut bytes)?;
        self.sequence = if head % 2 == 1 { Some(u128::from_le_bytes(take_bytes(&mut bytes)?)) } else { None };
        self.sections.clear();
        for _ in 0..head / 2 {
            self.sections.push(u64::from_le_bytes(take_bytes(&mut bytes)?));
        }
        self.paragraphs.clear();
        let mut tokens = 0;
        for _ in 0..take_varint(&mut bytes)? {
            let length = take_varint(&mut bytes)?;
            let first = tokens;
            tokens += u32::try_from(length / 2).ok()?;
            self.paragraphs.push(Paragraph {
                tokens: first..tokens,
                bytes: u32::try_from(take_varint(&mut bytes)?).ok()?,
                listed: length % 2 == 1,
                masked: u128::from_le_bytes(take_bytes(&mut bytes)?),
                exact: u128::from_le_bytes(take_bytes(&mut bytes)?),
                sketch: sketch(&mut bytes)?,
            });
        }
        self.tokens.clear();
        vocabulary.decode(&mut bytes, tokens as usize, &mut self.tokens)?;
        bytes.is_empty().then_some(())
    }
}

/// Begins a row.
pub fn put_numbers(document: u32, site: u32, out: &mut Vec<u8>) {
    put_varint(u64::from(document), out);
    put_varint(u64::from(site), out);
}

/// Document and site of a row.
pub fn numbers(row: &mut &[u8]) -> Option<(u32, u32)> {
    let [document, site] = [take_varint(row)?, take_varint(row)?];
    Some((u32::try_from(document).ok()?, u32::try_from(site).ok()?))
}

/// Document, site and sequence of a row.
pub fn sequence(mut row: &[u8]) -> Option<(u32, u32, Option<u128>)> {
    let (document, site) = numbers(&mut row)?;
    let head = take_varint(&mut row)?;
    let sequence = if head % 2 == 1 { Some(u128::from_le_bytes(take_bytes(&mut row)?)) } else { None };
    Some((document, site, sequence))
}

fn sketch(bytes: &mut &[u8]) -> Option<ParagraphSketch> {
    let mut sketch = ParagraphSketch::default();
    for minimum in &mut sketch {
        *minimum = u32::from_le_bytes(take_bytes(bytes)?);
    }
    Some(sketch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_give_their_pages_back() {
        let paragraph = |tokens: Range<u32>, listed| Paragraph {
            tokens,
            bytes: 300,
            listed,
            masked: u128::MAX - 1,
            sketch: [1, 2, 3, 4, u32::MAX],
            exact: 7,
        };
        let pages = [
            Page::default(),
            Page {
                document: 300,
                site: 200,
                sequence: Some(1 << 100),
                sections: vec![1, u64::MAX],
                paragraphs: vec![paragraph(0..2, true), paragraph(2..2, false), paragraph(2..3, false)],
                tokens: vec![5, 6, u64::MAX],
            },
        ];
        let vocabulary = Vocabulary::of(&[5, 5]);
        for page in pages {
            let mut row = Vec::new();
            put_numbers(page.document, page.site, &mut row);
            page.encode_body(&vocabulary, &mut row);
            let mut back = Page { tokens: vec![1], sections: vec![1], ..Page::default() };
            back.decode(&row, &vocabulary).unwrap();
            assert_eq!(back, page);
            assert_eq!(sequence(&row), Some((page.document, page.site, page.sequence)));
            for cut in 0..row.len() {
                assert!(Page::default().decode(&row[..cut], &vocabulary).is_none(), "cut at {cut}");
            }
        }
    }
}
