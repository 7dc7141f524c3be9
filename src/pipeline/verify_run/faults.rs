//! What is wrong, however much of it.

use crate::error::Result;

/// Faults as they are found: of each check the first ones, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What is wrong, and where.
    pub named: Vec<String>,
    /// Faults that are not named.
    pub more: u64,
    of_check: usize,
}

/// So many faults of one check are named: a person has seen enough then, and a DIR of which every line is wrong takes no
/// memory for it.
pub const NAMED: usize = 100;

impl Faults {
    /// Another check begins.
    pub fn begin(&mut self) {
        self.of_check = 0;
    }

    /// One more.
    pub fn add(&mut self, fault: String) {
        match self.of_check < NAMED {
            true => self.named.push(fault),
            false => self.more += 1,
        }
        self.of_check += 1;
    }

    /// Several more.
    pub fn extend(&mut self, faults: impl IntoIterator<Item = String>) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }

    /// Notes a failure to read as a fault.
    pub fn noted<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error.to_string())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_names_its_first_faults() {
        let mut faults = Faults::default();
        faults.extend((0..NAMED + 3).map(|number| format!("a {number}")));
        faults.begin();
        faults.add("b".to_owned());
        assert_eq!((faults.named.len(), faults.more), (NAMED + 1, 3));
        assert_eq!(faults.named[NAMED], "b");
    }
}
