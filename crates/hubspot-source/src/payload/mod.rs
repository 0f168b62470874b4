//! What of a CRM object a record carries: which properties, of which types, with which associations, and how the object was
//! before. No I/O: what has to be asked for is said as [`Request`](crate::ask::Request)s.

mod associations;
pub(crate) mod completion;
mod decimal;
pub(crate) mod definitions;
pub(crate) mod history;
mod misfits;
pub(crate) mod selection;
pub(crate) mod shape;
pub(crate) mod values;
