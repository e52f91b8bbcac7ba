"""Whether a process on this machine still lives, by a name that no other process will ever have.

Linux tells all that is needed: which boot, which PID namespace (a container has its own), which process, started when.
"""

import os
from pathlib import Path

from connector.ids import new_id

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_STARTED = 19  # the place of `starttime` in /proc/PID/stat, counted after the command's name


def own_name() -> str:
    """`place.pid.start.id`: at most 64 characters; where the machine does not tell, only the id."""
    place, pid = _place(), os.getpid()
    started = _started(pid)
    return f"{place}.{pid}.{started}.{new_id()}"[:64] if place and started else new_id()


def is_dead(name: str) -> bool:
    """True when the process of this name is gone for certain: it ran here, and runs no more."""
    place, _, rest = name.partition(".")
    pid, _, rest = rest.partition(".")
    started, _, _ = rest.partition(".")
    if not (started and pid.isdecimal()) or place != _place():
        return False
    seen = _started(int(pid))
    return seen != started if seen else not _is_there(int(pid))


def _is_there(pid: int) -> bool:
    """Whether there is such a process: `/proc` may hide those of others (`hidepid`, a user namespace of one's own)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return False


def _place() -> str:
    """This boot of this machine, and this PID namespace; empty where that cannot be told."""
    try:
        return f"{_BOOT.read_text().strip()[:8]}-{os.stat(_NAMESPACE).st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When the process was started, in ticks since the boot; empty when there is none, or only a zombie."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = said.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[_STARTED - 1]
