//! Versions of the connector protocol.

use std::fmt;

/// A version of the connector protocol. Host and plugin agree on the highest that both know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// One record or ack a message; hosts before Conduit v0.11 know only this one.
    V1,
    /// Several records or acks a message.
    V2,
}

impl ProtocolVersion {
    /// All versions, lowest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Its number in the handshake.
    pub const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version of that number, if it is known here.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }

    /// The highest version that is in the host's comma-separated list and known here. A host that sends no list gets the
    /// lowest, as in go-plugin. Nothing when there is a list without any version known here.
    pub fn negotiate(list: Option<&str>) -> Option<Self> {
        match list.map(str::trim).filter(|list| !list.is_empty()) {
            None => Some(Self::V1),
            Some(list) => {
                list.split(',').filter_map(|number| number.trim().parse().ok()).filter_map(Self::from_number).max()
            }
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_taken() {
        for (list, version) in [
            (Some("1,2"), Some(ProtocolVersion::V2)),
            (Some("2, 1"), Some(ProtocolVersion::V2)),
            (Some("1"), Some(ProtocolVersion::V1)),
            (Some("1,2,3"), Some(ProtocolVersion::V2)),
            (Some("7"), None),
            (Some("x"), None),
            (Some(""), Some(ProtocolVersion::V1)),
            (None, Some(ProtocolVersion::V1)),
        ] {
            assert_eq!(ProtocolVersion::negotiate(list), version, "{list:?}");
        }
    }
}
