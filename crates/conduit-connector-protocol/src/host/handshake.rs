//! The line on stdout by which a plugin says where it listens.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::ProtocolVersion;

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Reads `1|<version>|<network>|<address>|grpc|`; fields after the fifth (certificate, multiplexing) may be missing.
/// The error says what is wrong with the line.
pub(super) fn parse(line: &str) -> Result<(ProtocolVersion, Address), String> {
    let fields: Vec<&str> = line.trim_end().split('|').collect();
    let [core, version, network, address, transport, ..] = fields.as_slice() else {
        return Err("it has fewer than five fields".to_owned());
    };
    if *core != "1" {
        return Err(format!("its core protocol is {core:?}, not 1"));
    }
    if *transport != "grpc" {
        return Err(format!("its transport is {transport:?}, not grpc"));
    }
    let version = version
        .parse()
        .ok()
        .and_then(ProtocolVersion::from_number)
        .ok_or_else(|| format!("its connector protocol version {version:?} is neither 1 nor 2"))?;
    let address = match *network {
        "unix" => Address::Unix(PathBuf::from(address)),
        "tcp" => {
            Address::Tcp(address.parse().map_err(|_| format!("its address {address:?} is no IP address with a port"))?)
        }
        other => return Err(format!("its network {other:?} is neither tcp nor unix")),
    };
    Ok((version, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_plugins_are_read() {
        assert_eq!(
            parse("1|2|unix|/tmp/a.sock|grpc|\n"),
            Ok((ProtocolVersion::V2, Address::Unix(PathBuf::from("/tmp/a.sock"))))
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 1234));
        assert_eq!(parse("1|1|tcp|127.0.0.1:1234|grpc||false"), Ok((ProtocolVersion::V1, Address::Tcp(address))));
        assert_eq!(parse("1|1|tcp|127.0.0.1:1234|grpc"), Ok((ProtocolVersion::V1, Address::Tcp(address))));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, part) in [
            ("hello", "fewer than five"),
            ("2|2|unix|/a|grpc|", "core protocol"),
            ("1|9|unix|/a|grpc|", "version \"9\""),
            ("1|2|pipe|/a|grpc|", "network \"pipe\""),
            ("1|2|tcp|nowhere|grpc|", "address \"nowhere\""),
            ("1|2|unix|/a|netrpc|", "transport is \"netrpc\""),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
