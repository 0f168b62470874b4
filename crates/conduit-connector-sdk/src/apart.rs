//! The connector's own code, run apart from the services.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use crate::{Code, Error};

/// Runs a future of the connector's on a thread of its own.
///
/// A connector that blocks its thread would otherwise take a worker of the runtime with it, and whatever tasks that worker
/// holds: the connection to Conduit may be among them, and then nothing is answered any more, not even the request to end.
///
/// A runtime of one thread has no other threads to spare (that is for tests): there it is a task like others.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = Handle::current();
    match runtime.runtime_flavor() {
        RuntimeFlavor::CurrentThread => runtime.spawn(future),
        _ => tokio::task::spawn_blocking(move || runtime.block_on(future)),
    }
}

/// The future, with a panic in it as an error.
pub(crate) async fn caught<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(panicked(panic.as_ref())),
    }
}

/// The error that a panic is.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    Error::new(format!("the connector panicked: {text}; the log says where")).with_code(Code::Internal)
}
