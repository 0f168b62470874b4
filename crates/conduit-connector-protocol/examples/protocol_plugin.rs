//! A plugin that only says what it is, for seeing the process contract from both sides; the crate's tests run it.
//!
//! With `DRAIN=forever` it never finishes draining; with `DRAIN=exit` it exits before it has answered. With `NOISE` set it writes
//! what is no text to both outputs once the end was asked for, and last words when it ends. With `HOST_OF=<program>` it is a
//! host: it starts that program, prints its process id, and waits to be killed.

use std::env;
use std::future::pending;
use std::io::{self, Write as _};
use std::process::ExitCode;

use conduit_connector_protocol::host::Command;
use conduit_connector_protocol::plugin::{Environment, serve};
use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::{MAGIC_COOKIE_KEY, ProtocolVersion};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

struct Specifier;

#[tonic::async_trait]
impl v1::specifier_plugin_server::SpecifierPlugin for Specifier {
    async fn specify(
        &self,
        _request: Request<v1::specifier::specify::Request>,
    ) -> Result<Response<v1::specifier::specify::Response>, Status> {
        Ok(Response::new(v1::specifier::specify::Response { name: "one".to_owned(), ..Default::default() }))
    }
}

#[tonic::async_trait]
impl v2::specifier_plugin_server::SpecifierPlugin for Specifier {
    async fn specify(
        &self,
        _request: Request<v2::specifier::specify::Request>,
    ) -> Result<Response<v2::specifier::specify::Response>, Status> {
        let specification = v2::Specification { name: "two".to_owned(), ..Default::default() };
        Ok(Response::new(v2::specifier::specify::Response { specification: Some(specification) }))
    }
}

fn routes(version: ProtocolVersion) -> Routes {
    match version {
        ProtocolVersion::V1 => Routes::new(v1::specifier_plugin_server::SpecifierPluginServer::new(Specifier)),
        ProtocolVersion::V2 => Routes::new(v2::specifier_plugin_server::SpecifierPluginServer::new(Specifier)),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    if let (Ok(program), Err(_)) = (env::var("HOST_OF"), env::var(MAGIC_COOKIE_KEY)) {
        let plugin = match Command::new(program).start().await {
            Ok(plugin) => plugin,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        eprintln!("{}", plugin.pid().unwrap_or_default());
        return pending().await;
    }
    let drains = env::var("DRAIN").unwrap_or_default();
    let noise = env::var_os("NOISE").is_some();
    let drain = async move {
        if noise {
            let _ = io::stdout().write_all(b"\xff on stdout\n");
            let _ = io::stderr().write_all(b"\xff on stderr\n");
        }
        match drains.as_str() {
            "forever" => pending::<()>().await,
            "exit" => std::process::exit(0),
            _ => {}
        }
    };
    match serve(&Environment::from_env(), routes, drain).await {
        Ok(()) => {
            if noise {
                eprintln!("the last words");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
