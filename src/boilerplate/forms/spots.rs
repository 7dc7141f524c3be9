//! What stands in the same place of different pages?
//!
//! Pages with their marks in, [`Spots`] out. A spot is known by the end it is seen from and by what is passed on the way there;
//! two places taken for one cost a vain look, nothing more.
//!
//! Time: a look-up for each paragraph that is passed, and two passes that sort by counting.

use super::super::Map;
use super::{DEPTH, REACH};

/// Paragraphs, as numbers, in the order of their pages.
pub(super) struct Pages {
    paragraphs: Vec<u32>,
    starts: Vec<usize>,
}

impl Pages {
    /// No page yet.
    pub fn new() -> Pages {
        Pages { paragraphs: Vec::new(), starts: vec![0] }
    }

    /// One page more.
    pub fn push(&mut self, page: impl Iterator<Item = u32>) {
        self.paragraphs.extend(page);
        self.starts.push(self.paragraphs.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The paragraphs of a page.
    pub fn get(&self, page: u32) -> &[u32] {
        let page = page as usize;
        &self.paragraphs[self.starts[page]..self.starts[page + 1]]
    }
}

/// Which end it is seen from, the boilerplate paragraph (its leader) that is passed last on the way, how many others
/// since, and the one that comes right after, if it is boilerplate.
type Place = (bool, Option<u32>, u32, Option<u32>);

/// A paragraph on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub paragraph: u32,
    pub page: u32,
}

/// All that stands in each spot.
pub(super) struct Spots {
    from_head: Vec<bool>,
    standing: Vec<Standing>,
    starts: Vec<usize>,
}

impl Spots {
    /// The spots that have `at_least` paragraphs. `marks` says what of each page is boilerplate, `leader` which
    /// paragraph stands for each.
    pub fn of(pages: &Pages, marks: &[Vec<bool>], leader: &[u32], at_least: usize) -> Spots {
        let mut spot_of: Map<Place, u32> = Map::default();
        let mut from_head = Vec::new();
        let mut found: Vec<(u32, Standing)> = Vec::new();
        for (number, marks) in (0..pages.len() as u32).zip(marks) {
            let page = pages.get(number);
            for head in [true, false] {
                for_each_place(page, marks, leader, head, |place, paragraph| {
                    let spot = *spot_of.entry(place).or_insert_with(|| {
                        from_head.push(head);
                        from_head.len() as u32 - 1
                    });
                    found.push((spot, Standing { paragraph, page: number }));
                });
            }
        }
        let mut size = vec![0; from_head.len()];
        found.iter().for_each(|&(spot, _)| size[spot as usize] += 1);
        found.retain(|&(spot, _)| size[spot as usize] >= at_least);
        // The page order stays within a paragraph, and both within a spot.
        let (found, _) = by_class(&found, leader.len(), |&(_, standing)| standing.paragraph);
        let (found, starts) = by_class(&found, from_head.len(), |&(spot, _)| spot);
        Spots { from_head, standing: found.into_iter().map(|(_, standing)| standing).collect(), starts }
    }

    /// For each: whether it is seen from the head, and what stands there, paragraphs ascending, then pages.
    pub fn iter(&self) -> impl Iterator<Item = (bool, &[Standing])> {
        let spots = self.starts.windows(2).zip(&self.from_head);
        spots.map(|(spot, &head)| (head, &self.standing[spot[0]..spot[1]])).filter(|spot| !spot.1.is_empty())
    }
}

/// The places of a page, as seen from one end.
fn for_each_place(
    page: &[u32],
    marks: &[bool],
    leader: &[u32],
    head: bool,
    mut each: impl FnMut(Place, u32),
) {
    let at = |step: usize| if head { step } else { page.len() - 1 - step };
    let marked = |step: usize| {
        (step < page.len() && marks.get(at(step)) == Some(&true)).then(|| leader[page[at(step)] as usize])
    };
    let (mut last, mut since, mut this) = (None, 0, marked(0));
    for step in 0..page.len().min(REACH) {
        let next = marked(step + 1);
        each((head, last, since, next), page[at(step)]);
        match this {
            Some(_) => (last, since) = (this, 0),
            None => since += 1,
        }
        if since == DEPTH {
            break;
        }
        this = next;
    }
}

/// The same in the order of their classes, which are below `classes`, and where each class starts.
fn by_class<T: Copy>(found: &[T], classes: usize, class: impl Fn(&T) -> u32) -> (Vec<T>, Vec<usize>) {
    let mut starts = vec![0; classes + 1];
    found.iter().for_each(|one| starts[class(one) as usize + 1] += 1);
    for i in 0..classes {
        starts[i + 1] += starts[i];
    }
    let mut free = starts.clone();
    let mut sorted = found.to_vec();
    for one in found {
        let place = &mut free[class(one) as usize];
        sorted[*place] = *one;
        *place += 1;
    }
    (sorted, starts)
}
