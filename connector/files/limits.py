"""Limits: how much of a file is read before it is refused."""

from dataclasses import dataclass

# Of a record, in every kind of file.
MOST_COLUMNS = 2_000
MOST_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes. `unpacked`: what an archive may unpack to; `workbook`: of a workbook as it is; `inflated`: of a
    workbook's parts together; `memory`: what reading a workbook may need, `spooled`: what its rows may."""

    unpacked: int = 200_000_000
    workbook: int = 50_000_000
    inflated: int = 500_000_000
    memory: int = 1_500_000_000
    spooled: int = 2_000_000_000


LIMITS = Limits()
