//! The generated messages, clients and services, in modules named as their packages.
//!
//! The sources are the `.proto` files of this crate; `cargo xtask codegen` compiles them, and the interop tests hold them
//! against the descriptors that Conduit publishes, field by field. Records alone are written by hand, in [`record`](crate::record).
#![allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all, clippy::pedantic)]

/// Records.
pub mod opencdc {
    /// Version 1.
    pub mod v1 {
        // Written by hand: what the generated code for records is, only tests know, which hold the two against each other.
        pub use crate::record::Record;

        #[cfg(test)]
        pub(crate) mod generated {
            include!("generated/opencdc.v1.rs");
        }
    }
}

/// Parameters.
pub mod config {
    /// Version 1.
    pub mod v1 {
        include!("generated/config.v1.rs");
    }
}

/// Schemas.
pub mod schema {
    /// Version 1.
    pub mod v1 {
        include!("generated/schema.v1.rs");
    }
}

/// What Conduit offers to connectors.
pub mod connutils {
    /// Version 1.
    pub mod v1 {
        include!("generated/connutils.v1.rs");
    }
}

/// The connector's services.
pub mod connector {
    /// Version 1, for older hosts.
    pub mod v1 {
        include!("generated/connector.v1.rs");
    }
    /// Version 2.
    pub mod v2 {
        include!("generated/connector.v2.rs");
    }
}

/// go-plugin's own services.
pub mod plugin {
    include!("generated/plugin.rs");
}
