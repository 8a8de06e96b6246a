//! Hash tables as plain bytes: buckets of four fingerprints of sixteen bits, read with one load.

/// Eight bytes a bucket.
#[derive(Clone, Copy)]
pub struct Buckets<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Buckets<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, count: (bytes.len() / 8) as u32 }
    }

    /// The bucket that a hash belongs into, and the hash's fingerprint.
    #[inline]
    pub fn place(&self, hash: u32) -> (u64, u16) {
        let mixed = mix(hash);
        let at = index(mixed, self.count) * 8;
        let bucket = self.bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        (bucket.map_or(0, u64::from_le_bytes), fingerprint(mixed))
    }
}

pub fn mix(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85EB_CA6B);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xC2B2_AE35);
    hash ^ hash >> 16
}

pub fn index(mixed: u32, count: u32) -> usize {
    ((u64::from(mixed) * u64::from(count)) >> 32) as usize
}

/// Never of an empty slot.
pub fn fingerprint(mixed: u32) -> u16 {
    (mixed as u16).max(16)
}

/// Fills such a table.
pub struct Builder {
    slots: Vec<[u16; 4]>,
}

impl Builder {
    pub fn new(buckets: usize) -> Self {
        Self { slots: vec![[0; 4]; buckets] }
    }

    /// Where the entry of a mixed hash went; nowhere if its bucket is full, or has one with the same bits under `mask`.
    pub fn insert(&mut self, mixed: u32, entry: u16, mask: u16) -> Option<usize> {
        let at = index(mixed, self.slots.len() as u32);
        let bucket = self.slots.get_mut(at)?;
        for (slot, place) in bucket.iter_mut().enumerate() {
            if *place == 0 {
                *place = entry;
                return Some(at * 4 + slot);
            }
            if (*place ^ entry) & mask == 0 {
                return None;
            }
        }
        None
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.slots.iter().flatten().flat_map(|entry| entry.to_le_bytes()).collect()
    }
}
