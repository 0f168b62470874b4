//! How many list pages and searches the emulator answers in a second, with the client in the same process, and what memory 200,000 contacts take:
//! `cargo run --release --example load`.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hubspot_emulator::{Emulator, Settings};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const OBJECTS: usize = 200_000;
const CONNECTIONS: u64 = 8;
const TIME: Duration = Duration::from_secs(5);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder()
        .account("token")
        .settings(Settings { ids_in_order: true, ..Settings::default() })
        .start()
        .await?;
    let account = emulator.account("token");
    let started = Instant::now();
    let ids = account.create_many(
        "contacts",
        OBJECTS,
        |n| json!({
            "email": format!("p{n}@example.com"), "firstname": "Ada", "lastname": n.to_string(), "phone": format!("+44 20 {n:07}"),
            "company": "Analytical Engines", "jobtitle": "Mathematician", "city": "London", "lifecyclestage": "lead",
        }),
    );
    writeln!(
        std::io::stdout(),
        "seeded {OBJECTS} contacts with 8 properties in {:?}: {} MiB",
        started.elapsed(),
        memory()?
    )?;
    let started = Instant::now();
    for (n, id) in ids.iter().enumerate() {
        account.update("contacts", id, json!({"jobtitle": format!("Countess {n}"), "city": "Ockham"}));
    }
    writeln!(std::io::stdout(), "changed two properties of each in {:?}: {} MiB", started.elapsed(), memory()?)?;

    let first: u64 = ids[0].parse()?;
    let lists = run(&emulator, move |n| {
        let after = first + (n * 100) % (OBJECTS as u64 - 200);
        ("GET".to_owned(), format!("/crm/objects/2026-03/contacts?limit=100&after={after}"), String::new())
    });
    writeln!(std::io::stdout(), "{:.0} list pages of 100 objects a second", lists.await?)?;
    let middle = account.objects("contacts")[&ids[OBJECTS / 2]]["updatedAt"].as_str().unwrap_or_default().to_owned();
    let body = json!({
        "filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": middle}]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}], "limit": 200,
    });
    let searches = run(&emulator, move |_| {
        ("POST".to_owned(), "/crm/objects/2026-03/contacts/search".to_owned(), body.to_string())
    });
    writeln!(std::io::stdout(), "{:.0} searches of half the index a second", searches.await?)?;
    let last = json!({"sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}], "limit": 1});
    let searches = run(&emulator, move |_| {
        ("POST".to_owned(), "/crm/objects/2026-03/contacts/search".to_owned(), last.to_string())
    });
    writeln!(std::io::stdout(), "{:.0} searches of the greatest id a second", searches.await?)?;
    Ok(())
}

/// What the process takes, in MiB; 0 where there is no `/proc`.
fn memory() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1_024)
}

/// Sends requests on some connections for a while; their answers a second.
async fn run(
    emulator: &Emulator,
    request: impl Fn(u64) -> (String, String, String) + Send + Sync + 'static,
) -> Result<f64, Box<dyn std::error::Error>> {
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let (request, count) = (Arc::new(request), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (request, count, address) = (Arc::clone(&request), Arc::clone(&count), address.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&address).await?;
                let mut buffer = vec![0; 1 << 20];
                while started.elapsed() < TIME {
                    let (method, path, body) = request(count.fetch_add(1, Ordering::Relaxed));
                    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer token\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(head.as_bytes()).await?;
                    answer(&mut stream, &mut buffer).await?;
                }
                Ok::<_, std::io::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
}

/// Reads one answer, which has a `Content-Length`.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(std::io::Error::other(head));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse::<usize>().ok())
            .unwrap_or(0);
        if filled >= end + 4 + length {
            return Ok(());
        }
    }
}
