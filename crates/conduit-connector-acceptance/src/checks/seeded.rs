//! Whether a source gives what was put where it reads.

use std::collections::HashSet;

use opencdc::{Operation, Position, Record};

use super::scene::mark_of;
use super::{Context, Ending, ensure, fail};
use crate::{DriverError, SourceDriver};

/// Records that were seeded, and which of them came.
pub(super) struct Seeded {
    marks: Vec<String>,
    /// All records that came, seeded or not, in order.
    records: Vec<Record>,
    /// The number of the mark of each record that came, where it has one.
    numbers: Vec<Option<usize>>,
}

impl Seeded {
    pub(super) fn new(marks: Vec<String>) -> Self {
        Self { marks, records: Vec::new(), numbers: Vec::new() }
    }

    fn saw(&mut self, records: Vec<Record>) {
        for record in records {
            self.numbers.push(mark_of(&record, &self.marks));
            self.records.push(record);
        }
    }

    /// How many of those that were seeded came.
    fn came(&self) -> usize {
        self.numbers.iter().flatten().collect::<HashSet<_>>().len()
    }

    /// The seeded ones that came, in order, with their numbers.
    fn seeded(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.numbers.iter().zip(&self.records).filter_map(|(number, record)| number.map(|number| (number, record)))
    }

    /// All that came, in order.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn mark(&self, number: usize) -> &str {
        &self.marks[number]
    }

    /// Reads and acknowledges nothing until all that were seeded came.
    pub(super) async fn read(&mut self, context: &Context, source: &mut SourceDriver) -> Result<(), Ending> {
        let reading = async {
            while self.came() < self.marks.len() {
                let records = source.next().await?;
                self.saw(records);
            }
            Ok::<_, DriverError>(())
        };
        if let Ok(read) = tokio::time::timeout(context.limit(), reading).await {
            return Ok(read?);
        }
        let came: HashSet<usize> = self.numbers.iter().flatten().copied().collect();
        let missing = (0..self.marks.len()).find(|number| !came.contains(number)).unwrap_or_default();
        fail(format!(
            "{} of the {} records that were seeded did not come within {:?}, so the one with {}; {} records came in all",
            self.marks.len() - came.len(),
            self.marks.len(),
            context.limit(),
            self.marks[missing],
            self.records.len()
        ))
    }

    /// Acknowledges everything that came.
    pub(super) async fn ack_all(&self, source: &SourceDriver) -> Result<(), Ending> {
        Ok(source.ack_all(&self.records).await?)
    }

    /// Acknowledges all that came up to the middle of those that were seeded. Gives the last position, the numbers of the
    /// seeded ones that were acknowledged, and those of the others.
    pub(super) async fn ack_half(&self, source: &SourceDriver) -> Result<(Position, Vec<usize>, Vec<usize>), Ending> {
        let mut half = self.marks.len() / 2;
        let mut acked = Vec::new();
        let mut positions = Vec::new();
        for (record, number) in self.records.iter().zip(&self.numbers) {
            if half == 0 {
                break;
            }
            positions.push(record.position.clone());
            if let Some(number) = number {
                half -= 1;
                acked.push(*number);
            }
        }
        let Some(last) = positions.last().cloned() else { return fail("no record came") };
        source.ack(positions).await?;
        let others = (0..self.marks.len()).filter(|number| !acked.contains(number)).collect();
        Ok((last, acked, others))
    }

    /// Each seeded record came once, at a position that no other record has, as one of these operations.
    fn check(&self, operations: &[Operation]) -> Result<(), Ending> {
        let mut numbers = HashSet::new();
        for (number, record) in self.seeded() {
            let mark = &self.marks[number];
            ensure(numbers.insert(number), || format!("the record with {mark} came twice"))?;
            ensure(operations.contains(&record.operation), || {
                format!("the record with {mark} came as {}", record.operation)
            })?;
        }
        let mut positions = HashSet::new();
        for record in &self.records {
            let position = &record.position;
            ensure(!position.is_empty(), || "a record has no position".to_owned())?;
            ensure(positions.insert(position), || format!("two records have the position {position}"))?;
        }
        Ok(())
    }
}

impl Context {
    /// Reads and acknowledges what there is, until nothing comes for a while. This is also how a source shows that it is
    /// ready for changes: most have no other way.
    pub(super) async fn read_until_quiet(&self, source: &mut SourceDriver) -> Result<Vec<Record>, Ending> {
        let mut records = Vec::new();
        let reading = async {
            while let Ok(message) = tokio::time::timeout(self.suite.quiet(), source.next()).await {
                let message = message?;
                source.ack_all(&message).await?;
                records.extend(message);
            }
            Ok::<_, DriverError>(())
        };
        self.within("reading until nothing more comes", reading).await?;
        Ok(records)
    }
}

pub(super) async fn snapshot(context: &Context) -> Result<(), Ending> {
    let mut seeded = Seeded::new(context.seed().await?);
    let mut source = context.source().await?;
    source.open(None).await?;
    seeded.read(context, &mut source).await?;
    seeded.ack_all(&source).await?;
    seeded.saw(context.read_until_quiet(&mut source).await?);
    seeded.check(&[Operation::Snapshot, Operation::Create])?;
    source.finish().await?;
    Ok(())
}

pub(super) async fn cdc(context: &Context) -> Result<(), Ending> {
    let mut source = context.source().await?;
    source.open(None).await?;
    let before = context.read_until_quiet(&mut source).await?;
    let mut seeded = Seeded::new(context.seed().await?);
    seeded.saw(before);
    seeded.read(context, &mut source).await?;
    seeded.ack_all(&source).await?;
    seeded.saw(context.read_until_quiet(&mut source).await?);
    seeded.check(&[Operation::Create])?;
    source.finish().await?;
    Ok(())
}
