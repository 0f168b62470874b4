//! Ids of objects: one sequence for an account, as HubSpot's, or none at all.

use fastrand::Rng;

/// Where ids begin: HubSpot's are never small.
const FIRST: u64 = 1_001;

/// Gives ids to new objects.
#[derive(Debug)]
pub(crate) struct Ids {
    next: u64,
    rng: Rng,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { next: FIRST, rng: Rng::with_seed(seed ^ 0x1d5) }
    }

    /// An id that is not `taken`. Out of order it is any of a range that is never exhausted.
    pub(crate) fn next(&mut self, in_order: bool, taken: impl Fn(u64) -> bool) -> u64 {
        loop {
            let id = if in_order {
                self.next += 1;
                self.next - 1
            } else {
                self.rng.u64(FIRST..1 << 40)
            };
            if !taken(id) {
                return id;
            }
        }
    }
}

/// A random version 4 UUID, for correlation ids.
pub(crate) fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_say_version_and_variant() {
        let id = uuid();
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
        assert_ne!(id, uuid());
    }

    #[test]
    fn ids_out_of_order_are_not_sorted_and_not_taken() {
        let mut ids = Ids::new(5);
        let some: Vec<u64> = (0..100).map(|_| ids.next(false, |_| false)).collect();
        assert!(!some.is_sorted());
        let free = ids.next(true, |id| id < 2_000);
        assert_eq!(free, 2_000);
    }
}
