//! What the system says of a process. Linux tells; elsewhere there is nothing to say.

use std::fs;

/// The most memory that a process has had resident at once, in bytes.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
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
        assert!(!is_running(u32::MAX));
    }
}
