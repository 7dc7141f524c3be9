//! How does a value of fixed width stand in a file?

/// A value that takes the same number of bytes whatever it is. Numbers are little endian.
pub trait Fixed: Copy {
    /// How many bytes.
    const BYTES: usize;

    /// Writes the value over `bytes`, which are [`Fixed::BYTES`] long.
    fn put(self, bytes: &mut [u8]);

    /// The value that [`Fixed::put`] wrote to these bytes.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Fixed for $number {
            const BYTES: usize = size_of::<$number>();

            fn put(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> $number {
                let mut own = [0; size_of::<$number>()];
                own.copy_from_slice(bytes);
                <$number>::from_le_bytes(own)
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 u128);

impl<T: Fixed, const N: usize> Fixed for [T; N] {
    const BYTES: usize = N * T::BYTES;

    fn put(self, bytes: &mut [u8]) {
        for (at, value) in self.into_iter().enumerate() {
            value.put(&mut bytes[at * T::BYTES..(at + 1) * T::BYTES]);
        }
    }

    fn get(bytes: &[u8]) -> [T; N] {
        std::array::from_fn(|at| T::get(&bytes[at * T::BYTES..(at + 1) * T::BYTES]))
    }
}

impl<A: Fixed, B: Fixed> Fixed for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn put(self, bytes: &mut [u8]) {
        let (first, second) = bytes.split_at_mut(A::BYTES);
        self.0.put(first);
        self.1.put(second);
    }

    fn get(bytes: &[u8]) -> (A, B) {
        let (first, second) = bytes.split_at(A::BYTES);
        (A::get(first), B::get(second))
    }
}

impl<A: Fixed, B: Fixed, C: Fixed> Fixed for (A, B, C) {
    const BYTES: usize = A::BYTES + B::BYTES + C::BYTES;

    fn put(self, bytes: &mut [u8]) {
        let (first, rest) = bytes.split_at_mut(A::BYTES);
        self.0.put(first);
        (self.1, self.2).put(rest);
    }

    fn get(bytes: &[u8]) -> (A, B, C) {
        let (first, rest) = bytes.split_at(A::BYTES);
        let (second, third) = <(B, C)>::get(rest);
        (A::get(first), second, third)
    }
}
