//! Choices of a few words, as the parameters spell them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The text is none of the words that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{found:?} is none of {}", words.join(", "))]
#[non_exhaustive]
pub struct UnknownChoice {
    /// What was given.
    pub found: String,
    /// What can be chosen.
    pub words: &'static [&'static str],
}

/// An enum whose variants are words: both ways, and the list of them.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The words, in their order; the first is the default.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownChoice;

            fn from_str(text: &str) -> Result<Self, UnknownChoice> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownChoice { found: text.to_owned(), words: Self::WORDS }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choice! {
    /// What a record's operation becomes.
    Mode {
        /// A create is a create, an update an update. A snapshot is a create, or an upsert where the resource has an `idProperty`. With a
        /// `sourceId.property` all three are upserts by it.
        #[default]
        Auto = "auto",
        /// Creates, snapshots and updates change the object that there is, or make it.
        Upsert = "upsert",
        /// Creates, snapshots and updates change an object that must be there.
        Update = "update",
        /// Creates, snapshots and updates make a new object.
        Insert = "insert",
    }
}

choice! {
    /// What a delete becomes.
    Deletes {
        /// The object is archived, and can be restored for 90 days; CMS objects are deleted.
        #[default]
        Archive = "archive",
        /// Contacts are deleted for good, as the GDPR wants it. HubSpot has it for contacts alone: others are archived.
        Gdpr = "gdpr",
        /// Nothing; the record counts as written.
        Ignore = "ignore",
    }
}

choice! {
    /// What is done when the object of an update or a delete isn't there.
    OnMissing {
        /// The record fails.
        #[default]
        Error = "error",
        /// Nothing; the record counts as written.
        Ignore = "ignore",
        /// An update makes the object. A delete has nothing to do, and counts as written.
        Create = "create",
    }
}

choice! {
    /// What happens to the value of a property that HubSpot lets nobody write.
    ReadOnly {
        /// It stays behind; each such property is logged once. Objects read from HubSpot can be written as they are.
        #[default]
        Drop = "drop",
        /// The record fails.
        Error = "error",
    }
}

choice! {
    /// What happens to the value of a property that the object type doesn't have.
    Unknown {
        /// The record fails: nothing of the user's is dropped in silence.
        #[default]
        Error = "error",
        /// It stays behind; each such property is logged once.
        Drop = "drop",
    }
}

choice! {
    /// What happens to the associations in a payload.
    Associations {
        /// They are made. None is ever taken away.
        #[default]
        Write = "write",
        /// They stay behind.
        Ignore = "ignore",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_given_back() {
        for word in Mode::WORDS {
            assert_eq!(word.parse::<Mode>().unwrap().to_string(), *word);
        }
        for word in OnMissing::WORDS {
            assert_eq!(word.parse::<OnMissing>().unwrap().to_string(), *word);
        }
        assert_eq!(Mode::default().as_str(), Mode::WORDS[0]);
        assert_eq!(ReadOnly::default().as_str(), ReadOnly::WORDS[0]);
        assert_eq!("erase".parse::<Deletes>().unwrap_err().to_string(), "\"erase\" is none of archive, gdpr, ignore");
    }
}
