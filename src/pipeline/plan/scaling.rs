//! What does the whole take, if parts of it took that?
//!
//! Two measurements, of a part and of a part of that part, in; what is expected of the whole out.

/// Something measured twice: of how much, and what it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Of the smaller part.
    pub small: (f64, f64),
    /// Of the larger one.
    pub large: (f64, f64),
}

impl Growth {
    /// What `whole` takes where it grows along a line: what the parts have in common is taken once. It is no less than what
    /// the larger part took, and no more than that in proportion.
    pub fn along_a_line(self, whole: f64) -> f64 {
        let ((a, x), (b, y)) = (self.small, self.large);
        let proportion = if b > 0.0 { y / b } else { 0.0 };
        let slope = if b > a { ((y - x) / (b - a)).clamp(0.0, proportion) } else { proportion };
        y + (whole - b).max(0.0) * slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parts_have_in_common_is_taken_once() {
        for (small, large, whole, expected) in [
            ((25.0, 30.0), (100.0, 105.0), 1000.0, 1005.0), // 5 and 1 for each
            ((25.0, 25.0), (100.0, 100.0), 1000.0, 1000.0),
            ((25.0, 1.0), (100.0, 50.0), 1000.0, 500.0), // no more than in proportion
            ((25.0, 60.0), (100.0, 50.0), 1000.0, 50.0), // no less than was measured
            ((25.0, 0.0), (100.0, 0.0), 1000.0, 0.0),
            ((100.0, 7.0), (100.0, 7.0), 100.0, 7.0), // the part is all there is
            ((0.0, 0.0), (0.0, 0.0), 0.0, 0.0),
            ((0.0, 3.0), (0.0, 3.0), 10.0, 3.0),
        ] {
            assert_eq!(Growth { small, large }.along_a_line(whole), expected, "{small:?} {large:?}");
        }
    }
}
