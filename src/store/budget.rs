//! How much memory may a run take?
//!
//! A number of bytes in, shares of it out. A machine that does not say how much it has is taken to be small: that costs
//! time, where too large a budget would end the run.

use std::fs;
use std::path::Path;

/// What `--memory` promises, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget(u64);

/// What a machine is taken to have that does not say: 4 GiB.
const SMALL_MACHINE: u64 = 4 << 30;

impl Budget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Budget {
        Budget(bytes)
    }

    /// Half of the memory of this machine, or of the control group that the process runs in where that may have less.
    /// Linux says both; elsewhere 4 GiB are halved.
    pub fn of_machine() -> Budget {
        Budget(memory(Path::new("/")).unwrap_or(SMALL_MACHINE) / 2)
    }

    /// The bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// `percent` hundredths of it in bytes, rounded down: what one stage or one store may take.
    pub fn share(self, percent: u64) -> usize {
        let bytes = u128::from(self.0) * u128::from(percent) / 100;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// The memory in bytes that the files below `root` promise.
fn memory(root: &Path) -> Option<u64> {
    let information = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = information.as_deref().and_then(|text| {
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
    });
    machine.into_iter().chain(groups(root)).min()
}

/// The limits of the process's control group and of those that it lies in.
fn groups(root: &Path) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default().lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // In a container the group's own folder is often mounted as the root: the outermost one is asked in any case.
        for group in Path::new(group.trim_start_matches('/')).ancestors() {
            let limit = fs::read_to_string(root.join(folder).join(group).join(file)).ok();
            // "max" is no number, and no limit.
            limits.extend(limit.and_then(|limit| limit.trim().parse::<u64>().ok()));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(memory(root.path()), expected);
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:       16 kB\nMemFree:        3 kB\n");
    const SECOND: (&str, &str) = ("proc/self/cgroup", "0::/user/job\n");
    const FIRST: (&str, &str) = ("proc/self/cgroup", "4:cpu,cpuacct:/job\n3:hugetlb,memory:/job\n");

    #[test]
    fn the_least_of_what_is_promised() {
        check(&[], None);
        check(&[MACHINE], Some(16384));
        check(&[("proc/meminfo", "MemTotal: many kB")], None);
        check(&[MACHINE, SECOND], Some(16384));
        check(&[MACHINE, SECOND, ("sys/fs/cgroup/user/job/memory.max", "max\n")], Some(16384));
        check(&[MACHINE, SECOND, ("sys/fs/cgroup/user/job/memory.max", "9000\n")], Some(9000));
        check(&[MACHINE, SECOND, ("sys/fs/cgroup/user/memory.max", "8000\n")], Some(8000)); // a group around it
        check(&[MACHINE, SECOND, ("sys/fs/cgroup/memory.max", "7000\n")], Some(7000)); // as containers see it
        check(&[MACHINE, SECOND, ("sys/fs/cgroup/other/memory.max", "1\n")], Some(16384));
        check(&[MACHINE, FIRST, ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "5000")], Some(5000));
        check(
            &[MACHINE, FIRST, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")],
            Some(16384),
        );
        check(&[SECOND, ("sys/fs/cgroup/memory.max", "7000\n")], Some(7000));
    }

    #[test]
    fn shares_are_hundredths() {
        assert_eq!(Budget::new(1000).share(25), 250);
        assert_eq!(Budget::new(99).share(1), 0);
        assert_eq!(Budget::new(u64::MAX).share(100), u64::MAX as usize);
        assert_eq!(Budget::new(u64::MAX).share(300), usize::MAX);
        assert!(Budget::of_machine().bytes() > 0);
    }
}
