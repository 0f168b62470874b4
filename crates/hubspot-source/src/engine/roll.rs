//! All objects of a resource in a few bytes each: which there are, and fingerprints of what they said.

use std::collections::VecDeque;

use super::fingerprint::short;
use crate::item::Item;

/// A roll that would take more bytes than this is dropped: at six bytes an object, some 2.7 million objects.
const MOST: usize = 16 << 20;

/// Bytes a chunk, about: it is freed when its last object has been read.
const CHUNK: usize = 16 << 10;

/// Which fingerprints a [`Roll`] keeps beside the ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Those of properties.
    pub(crate) properties: bool,
    /// Those of associations.
    pub(crate) associations: bool,
}

impl Kept {
    /// Whether there are any.
    pub(crate) fn any(self) -> bool {
        self.properties || self.associations
    }

    /// The fingerprints of an object that has all that its record has, with HubSpot's values.
    pub(crate) fn of(self, item: &Item) -> Prints {
        let print = |kept: bool, field| if kept { short(item.as_map().get(field)) } else { 0 };
        Prints {
            properties: print(self.properties, "properties"),
            associations: print(self.associations, "associations"),
        }
    }
}

/// What an object said, hashed to 32 bits each: of 4 billion differences, one is missed. Zero is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prints {
    pub(crate) properties: u32,
    pub(crate) associations: u32,
}

impl Prints {
    /// Whether something is known on both sides, and differs.
    pub(crate) fn contradict(self, known: Self) -> bool {
        let differs = |one: u32, other: u32| one != 0 && other != 0 && one != other;
        differs(self.properties, known.properties) || differs(self.associations, known.associations)
    }
}

/// The objects of a resource in ascending order of their ids.
///
/// An object takes four bytes for each fingerprint that is kept, and those of the distance to the id before it: one for
/// distances below 128, two below 16,384, three below two million. Beyond [`MOST`] bytes, or when ids come out of order,
/// it holds nothing any more and only counts.
#[derive(Debug)]
pub(crate) struct Roll {
    kept: Kept,
    chunks: VecDeque<Vec<u8>>,
    /// The greatest id.
    last: Option<u64>,
    len: usize,
    bytes: usize,
    most: usize,
    full: bool,
}

impl Roll {
    /// An empty roll that keeps these fingerprints.
    pub(crate) fn new(kept: Kept) -> Self {
        Self { kept, chunks: VecDeque::new(), last: None, len: 0, bytes: 0, most: MOST, full: false }
    }

    #[cfg(test)]
    pub(super) fn holding(kept: Kept, most: usize) -> Self {
        Self { most, ..Self::new(kept) }
    }

    /// Appends an object. Its id is greater than those of all before it.
    pub(crate) fn push(&mut self, id: u64, prints: Prints) {
        self.len += 1;
        if self.full {
            return;
        }
        if self.last.is_some_and(|last| last >= id) {
            return self.give_up();
        }
        // Each chunk begins with a whole id, so that rolls can be joined by their chunks.
        let distance = match (self.last, self.chunks.back()) {
            (Some(last), Some(chunk)) if chunk.len() < CHUNK => id - last,
            (_, sealed) => {
                let capacity = if sealed.is_some() { CHUNK + 16 } else { 0 };
                self.chunks.push_back(Vec::with_capacity(capacity));
                id
            }
        };
        self.last = Some(id);
        let Some(chunk) = self.chunks.back_mut() else { return };
        let before = chunk.len();
        write(chunk, distance);
        if self.kept.properties {
            chunk.extend(prints.properties.to_le_bytes());
        }
        if self.kept.associations {
            chunk.extend(prints.associations.to_le_bytes());
        }
        self.bytes += chunk.len() - before;
        if self.bytes > self.most {
            self.give_up();
        }
    }

    /// Appends a roll of the same kind whose ids are all greater.
    pub(crate) fn append(&mut self, later: Roll) {
        let ordered = self.last.is_none_or(|last| later.first().is_none_or(|first| last < first));
        self.len += later.len;
        self.full |= later.full || !ordered || self.kept != later.kept;
        self.bytes += later.bytes;
        if self.full || self.bytes > self.most {
            return self.give_up();
        }
        self.last = later.last.or(self.last);
        self.chunks.extend(later.chunks);
    }

    fn first(&self) -> Option<u64> {
        self.chunks.front().map(|chunk| read(chunk, &mut 0))
    }

    /// Drops what it holds and only counts from now on.
    pub(crate) fn give_up(&mut self) {
        self.full = true;
        self.bytes = 0;
        self.chunks = VecDeque::new();
    }

    /// Which fingerprints it keeps.
    pub(crate) fn kept(&self) -> Kept {
        self.kept
    }

    /// How many objects have been appended, also those that it had no room for.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds nothing, because there was too much.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }
}

impl IntoIterator for Roll {
    type Item = (u64, Prints);
    type IntoIter = Entries;

    /// The objects in ascending order of their ids; memory is given back on the way.
    fn into_iter(self) -> Entries {
        Entries { kept: self.kept, chunks: self.chunks, at: 0, last: 0 }
    }
}

/// The objects of a [`Roll`].
#[derive(Debug)]
pub(crate) struct Entries {
    kept: Kept,
    chunks: VecDeque<Vec<u8>>,
    at: usize,
    last: u64,
}

impl Iterator for Entries {
    type Item = (u64, Prints);

    fn next(&mut self) -> Option<Self::Item> {
        if self.chunks.front().is_some_and(|chunk| self.at >= chunk.len()) {
            self.chunks.pop_front();
            (self.at, self.last) = (0, 0);
        }
        let chunk = self.chunks.front()?;
        self.last += read(chunk, &mut self.at);
        let mut print = |kept: bool| {
            let bytes = if kept { chunk.get(self.at..self.at + 4)? } else { return Some(0) };
            self.at += 4;
            bytes.try_into().ok().map(u32::from_le_bytes)
        };
        let properties = print(self.kept.properties)?;
        let associations = print(self.kept.associations)?;
        Some((self.last, Prints { properties, associations }))
    }
}

/// Writes a number seven bits a byte, the least first; the highest bit says that more follow.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &[u8], at: &mut usize) -> u64 {
    let mut number = 0;
    for (place, byte) in bytes[*at..].iter().enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *at += place + 1;
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Kept = Kept { properties: true, associations: true };

    fn kept(index: usize) -> Kept {
        Kept { properties: index & 1 == 1, associations: index & 2 == 2 }
    }

    #[test]
    fn what_is_pushed_comes_back_whole_and_in_order() {
        for seed in 0..60 {
            let mut random = fastrand::Rng::with_seed(seed);
            let kept = kept(seed as usize);
            let gap = [1, 100, 1 << 20, 1 << 50][random.usize(0..4)];
            let mut id = random.u64(0..=gap);
            let (mut parts, mut expected) = (vec![Roll::new(kept)], Vec::new());
            for _ in 0..random.usize(0..9_000) {
                let print = |random: &mut fastrand::Rng, kept: bool| if kept { random.u32(..) } else { 0 };
                let properties = print(&mut random, kept.properties);
                let associations = print(&mut random, kept.associations);
                let prints = Prints { properties, associations };
                if random.u32(0..2_000) == 0 {
                    parts.push(Roll::new(kept));
                }
                parts.last_mut().unwrap().push(id, prints);
                expected.push((id, prints));
                id += random.u64(1..=gap);
            }
            let mut roll = Roll::new(kept);
            for part in parts {
                roll.append(part);
            }
            assert!(!roll.is_full(), "seed {seed}");
            assert_eq!((roll.len(), roll.into_iter().collect::<Vec<_>>()), (expected.len(), expected), "seed {seed}");
        }
    }

    /// What the docs say of memory.
    #[test]
    fn an_object_with_one_fingerprint_takes_about_six_bytes() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut roll = Roll::new(Kept { properties: true, associations: false });
        let mut id = 101_234_567_890;
        for _ in 0..100_000 {
            roll.push(id, Prints { properties: random.u32(1..), associations: 0 });
            id += random.u64(1..8_000);
        }
        assert!((500_000..=600_100).contains(&roll.bytes()), "{}", roll.bytes());
        assert!(roll.chunks.iter().map(Vec::capacity).sum::<usize>() < roll.bytes() * 11 / 10 + CHUNK);
    }

    #[test]
    fn too_much_is_dropped_and_counted() {
        let mut roll = Roll::holding(Kept::default(), 10);
        for id in 1..=10 {
            roll.push(id, Prints::default());
        }
        assert!(!roll.is_full());
        roll.push(11, Prints::default());
        roll.push(12, Prints::default());
        assert_eq!((roll.is_full(), roll.len(), roll.bytes()), (true, 12, 0));
        let mut joined = Roll::new(Kept::default());
        joined.append(roll);
        assert_eq!((joined.is_full(), joined.len(), joined.into_iter().count()), (true, 12, 0));
    }

    #[test]
    fn what_is_out_of_order_is_no_roll() {
        let with = |ids: &[u64]| {
            let mut roll = Roll::new(BOTH);
            for id in ids {
                roll.push(*id, Prints::default());
            }
            roll
        };
        assert!(with(&[1, 3, 2]).is_full() && with(&[1, 1]).is_full());
        for (one, other, full) in [(3, 3, true), (3, 2, true), (3, 4, false)] {
            let mut roll = with(&[1, one]);
            roll.append(with(&[]));
            roll.append(with(&[other, 9]));
            assert_eq!(roll.is_full(), full, "{one} {other}");
        }
    }
}
