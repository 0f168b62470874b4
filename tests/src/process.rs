//! What the system says of a process. Linux tells; elsewhere there is nothing to say.

use std::fs;
use std::time::Duration;

/// The most memory that a process has had resident at once, in bytes.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The processor time that a process has taken so far. Linux counts it in hundredths of a second.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name may hold anything, and ends with the last parenthesis; user and system time are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(14)? + ticks(15)?)))
}

/// Whether a process runs. One that has ended and that nobody has waited for yet doesn't.
pub fn is_running(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_has_memory() {
        let pid = std::process::id();
        assert!(is_running(pid));
        assert!(peak_memory(pid).unwrap() > 100_000);
        assert!(cpu_time(pid).is_some());
        assert!(!is_running(u32::MAX));
    }
}
