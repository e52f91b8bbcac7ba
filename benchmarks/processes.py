"""What processes take of a machine, as Linux tells it (proc(5))."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            found.extend(int(child) for child in path.read_text().split())
    return found


def memory(pid: int) -> float:
    """MB of a process and its descendants together; what they share is counted once (PSS)."""
    return sum(_kilobytes(each, "smaps_rollup", "Pss:") for each in tree(pid)) / 1000


def peak(pid: int) -> float:
    """The most MB that the largest process of the tree ever had (VmHWM)."""
    return max(_kilobytes(each, "status", "VmHWM:") for each in tree(pid)) / 1000


def processor(pid: int) -> float:
    """Processor seconds of a process and its descendants so far."""
    total = 0
    for each in tree(pid):
        said = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(said[11]) + int(said[12])
    return total / _TICKS


def _kilobytes(pid: int, file: str, name: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
