//! Chance that is the same on every machine.
//!
//! Whatever is drawn belongs to a key, such as a student and a day, and needs nothing that
//! was drawn before: any student of any day can be made by itself. SplitMix64 begins a new
//! stream in a few cycles, where a cipher would compute a block that is thrown away, and
//! no library can change what it draws. Of floating point only `+ - * /` and comparisons
//! are used, which IEEE 754 fixes to the last bit; `exp` and `ln` it does not.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number for a key: equal keys have equal numbers, others hardly ever.
pub(crate) fn hash(seed: u64, key: &[u64]) -> u64 {
    let mut state = mix(seed.wrapping_add(STEP));
    for part in key {
        state = mix(state.wrapping_add(STEP) ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93));
    }
    state
}

impl Draw {
    /// The stream of a key.
    pub(crate) fn new(seed: u64, key: &[u64]) -> Self {
        Self(hash(seed, key))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number from 0, less than `count`, which is not 0.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(count)) >> 32) as u32
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// From 0, less than 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Nearly normal, with mean 0 and deviation 1, between -3.5 and 3.5: a sum of four.
    pub(crate) fn normal(&mut self) -> f64 {
        const ROOT_OF_3: f64 = 1.732_050_807_568_877_2;
        let bits = self.bits();
        let part = |shift: u32| ((bits >> shift) & 0xffff) as f64 / 65_535.0 - 0.5;
        (part(0) + part(16) + part(32) + part(48)) * ROOT_OF_3
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}

/// The logistic function `1 / (1 + e^-x)`, between points that were computed beforehand.
pub(crate) fn logistic(x: f64) -> f64 {
    /// At 0, 0.5, … 6.
    const POINTS: [f64; 13] = [
        0.5, 0.622_459, 0.731_059, 0.817_574, 0.880_797, 0.924_142, 0.952_574, 0.970_688,
        0.982_014, 0.989_013, 0.993_307, 0.995_930, 0.997_527,
    ];
    let distance = if x < 0.0 { -x } else { x };
    let place = distance * 2.0;
    let index = place as usize;
    let value = match POINTS.get(index + 1) {
        Some(next) => POINTS[index] + (next - POINTS[index]) * (place - index as f64),
        None => POINTS[12],
    };
    if x < 0.0 { 1.0 - value } else { value }
}

/// A shuffle of `0..count` of which each place can be computed alone, both ways: a Feistel
/// network over the next power of four, walked until it is inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shuffle {
    count: u32,
    half_bits: u32,
    key: u64,
}

const ROUNDS: u64 = 4;

impl Shuffle {
    pub(crate) fn new(key: u64, count: u32) -> Self {
        let bits = u32::BITS - count.saturating_sub(1).leading_zeros();
        let half_bits = bits.div_ceil(2).max(1);
        Self {
            count,
            half_bits,
            key,
        }
    }

    /// Where a member stands after the shuffle.
    pub(crate) fn place_of(&self, member: u32) -> u32 {
        self.walk(member, |value| {
            (0..ROUNDS).fold(value, |v, r| self.round(v, r))
        })
    }

    /// Who stands at a place.
    pub(crate) fn member_at(&self, place: u32) -> u32 {
        let back = |value| (0..ROUNDS).rev().fold(value, |v, r| self.unround(v, r));
        self.walk(place, back)
    }

    fn walk(&self, start: u32, step: impl Fn(u32) -> u32) -> u32 {
        debug_assert!(start < self.count);
        let mut value = step(start);
        while value >= self.count {
            value = step(value);
        }
        value
    }

    fn round(&self, value: u32, round: u64) -> u32 {
        let (left, right) = self.halves(value);
        (right << self.half_bits) | (left ^ self.noise(right, round))
    }

    fn unround(&self, value: u32, round: u64) -> u32 {
        let (right, mixed) = self.halves(value);
        ((mixed ^ self.noise(right, round)) << self.half_bits) | right
    }

    fn halves(&self, value: u32) -> (u32, u32) {
        (value >> self.half_bits, value & self.mask())
    }

    fn mask(&self) -> u32 {
        (1 << self.half_bits) - 1
    }

    fn noise(&self, half: u32, round: u64) -> u32 {
        mix(self.key ^ (round << 32 | u64::from(half)).wrapping_mul(STEP)) as u32 & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_numbers_never_change() {
        let mut draw = Draw::new(7, &[1, 2]);
        let drawn: Vec<_> = (0..3).map(|_| draw.bits()).collect();
        assert_eq!(
            drawn,
            [
                17_905_983_523_827_743_388,
                3_003_956_751_131_701_548,
                10_371_122_523_750_725_162,
            ]
        );
    }

    #[rstest]
    #[case(1)]
    #[case(2)]
    #[case(5)]
    #[case(64)]
    #[case(65)]
    #[case(1_000)]
    fn a_shuffle_has_everybody_once(#[case] count: u32) {
        let shuffle = Shuffle::new(99, count);
        let mut seen = vec![false; count as usize];
        for member in 0..count {
            let place = shuffle.place_of(member);
            assert_eq!(shuffle.member_at(place), member);
            assert!(!std::mem::replace(&mut seen[place as usize], true));
        }
    }

    #[test]
    fn normal_numbers_have_the_mean_and_the_deviation() {
        let mut draw = Draw::new(1, &[]);
        let drawn: Vec<_> = (0..100_000).map(|_| draw.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 1e5;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[rstest]
    #[case(0.0)]
    #[case(-0.3)]
    #[case(1.7)]
    #[case(-5.9)]
    #[case(12.0)]
    fn the_logistic_function_is_near(#[case] x: f64) {
        assert!((logistic(x) - 1.0 / (1.0 + (-x).exp())).abs() < 0.005);
    }
}
