//! Which partition a key belongs to, in every log and for every producer.

/// The partition of a key: Kafka's own choice (murmur2 of the key, as the Java
/// client and librdkafka's `murmur2_random` do), so that records of producers
/// outside Chalkline meet ours.
///
/// ```
/// assert_eq!(eventlog::partition_for(b"abc", 8), 3);
/// ```
///
/// # Panics
///
/// When `partitions` is zero: a log has at least one.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

/// MurmurHash2, 32 bits, little-endian, with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in words.by_ref() {
        let mut k = u32::from_le_bytes(word.try_into().expect("chunks of four bytes"));
        k = k.wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The values of Kafka's own `UtilsTest.testMurmur2`.
    #[rstest]
    #[case("21", -973_932_308)]
    #[case("foobar", -790_332_482)]
    #[case("a-little-bit-long-string", -985_981_536)]
    #[case("a-little-bit-longer-string", -1_486_304_829)]
    #[case("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971)]
    #[case("abc", 479_470_107)]
    fn hashes_as_java_does(#[case] key: &str, #[case] hash: i32) {
        assert_eq!(murmur2(key.as_bytes()) as i32, hash);
        assert_eq!(
            partition_for(key.as_bytes(), 8),
            (hash & 0x7fff_ffff) as u32 % 8
        );
    }

    #[test]
    fn an_empty_key_has_a_partition() {
        assert_eq!(partition_for(b"", 8), (275_646_681 % 8) as u32);
    }
}
