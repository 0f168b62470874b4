//! A Conduit connector of JSON lines: its source reads a file, and follows it as it grows; its destination writes one.
//!
//! A line that is a JSON object becomes structured data, any other line raw data. The position is the number of bytes up to
//! the end of the line. What a pipeline copies from one file to another is the same records again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use conduit_connector_sdk::{
    Code, Connector, Context, Data, Destination, Error, Metadata, Parameters, Position, Record, ResultExt, Source,
    Specification, serve,
};

/// The most lines of one batch.
const BATCH: usize = 1000;

/// What a pipeline file may say, of the source as of the destination.
#[derive(Debug, Parameters)]
struct Config {
    /// The file. The source waits for one that is not there yet; the destination makes it, or goes on at its end.
    #[parameter(required)]
    path: PathBuf,
}

impl Config {
    /// What is being done to the file, for errors.
    fn doing(&self, what: &str) -> String {
        format!("cannot {what} {}", self.path.display())
    }
}

/// Reads lines.
struct Lines {
    config: Config,
    /// Nothing as long as the file is not there.
    file: Option<BufReader<File>>,
    /// Where the next line begins.
    at: u64,
    /// What there is of a line whose end is not written yet.
    line: Vec<u8>,
}

impl Source for Lines {
    type Config = Config;

    async fn configure(config: Config, _context: Context) -> Result<Self, Error> {
        Ok(Self { config, file: None, at: 0, line: Vec::new() })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        if let Some(position) = position {
            self.at = position.to_string().parse().context(format!("{position:?} is no position in a file"))?;
        }
        Ok(())
    }

    // Without an `.await` in it there is no moment at which it could be dropped. It may block: it has a thread of its own.
    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let Some(file) = opened(&mut self.file, &self.config, self.at)? else { return Ok(records) };
        while records.len() < BATCH {
            file.read_until(b'\n', &mut self.line).context(self.config.doing("read"))?;
            if self.line.last() != Some(&b'\n') {
                break; // The end of the file, for now.
            }
            self.at += self.line.len() as u64;
            self.line.pop();
            records.push(record(self.at, std::mem::take(&mut self.line)));
        }
        Ok(records)
    }
}

/// The file from there on; nothing as long as there is none.
fn opened<'a>(
    held: &'a mut Option<BufReader<File>>,
    config: &Config,
    at: u64,
) -> Result<Option<&'a mut BufReader<File>>, Error> {
    if held.is_none() {
        let mut file = match File::open(&config.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.context(config.doing("open"))?,
        };
        file.seek(SeekFrom::Start(at)).context(config.doing("read"))?;
        *held = Some(BufReader::new(file));
    }
    Ok(held.as_mut())
}

/// The record of the line that ends there.
fn record(end: u64, line: Vec<u8>) -> Record {
    let key = Data::from([("end", end)]);
    let raw = Data::Raw(line);
    let after = raw.to_structured().map(|fields| Data::Structured(fields.into_owned())).unwrap_or(raw);
    Record::create(Position::new(end.to_string()), Metadata::new(), key, after)
}

/// Writes lines.
struct Appender {
    config: Config,
    file: Option<File>,
}

impl Destination for Appender {
    type Config = Config;

    async fn configure(config: Config, _context: Context) -> Result<Self, Error> {
        Ok(Self { config, file: None })
    }

    async fn open(&mut self) -> Result<(), Error> {
        let file = OpenOptions::new().create(true).append(true).open(&self.config.path);
        self.file = Some(file.context(self.config.doing("open"))?);
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let file = self.file.as_mut().ok_or_else(|| Error::new("the file is not open"))?;
        let mut lines = Vec::new();
        let results = records.into_iter().map(|record| append(&mut lines, record)).collect();
        // Only what is on the disk is answered for.
        file.write_all(&lines).and_then(|()| file.sync_data()).context(self.config.doing("write"))?;
        Ok(results)
    }
}

/// Appends the record's line, or says why it has none: the others are written all the same.
fn append(lines: &mut Vec<u8>, record: Record) -> Result<(), Error> {
    let refused = |why: &str| Error::new(format!("a {} {why}", record.operation)).with_code(Code::InvalidArgument);
    match record.payload.after {
        Some(Data::Structured(fields)) => serde_json::to_writer(&mut *lines, &fields)?,
        Some(Data::Raw(line)) if line.contains(&b'\n') => return Err(refused("of several lines cannot be one line")),
        Some(Data::Raw(line)) => lines.extend(line),
        None => return Err(refused("of nothing has no line: what is written in a file stays")),
    }
    lines.push(b'\n');
    Ok(())
}

struct Files;

impl Connector for Files {
    type Source = Lines;
    type Destination = Appender;

    fn specification() -> Specification {
        Specification {
            name: "lines".to_owned(),
            summary: "Reads and writes JSON lines.".to_owned(),
            description: "The source follows a file of JSON lines. The destination appends to one.".to_owned(),
            version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
            author: "HubSpot for Conduit contributors".to_owned(),
        }
    }
}

fn main() -> ExitCode {
    serve::<Files>()
}
