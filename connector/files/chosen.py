"""A mapping that a user gives: which columns of a table its names mean, and whether it fits."""

from connector.files.table import Table
from connector.mapping import UserMapping
from connector.names import normalise


def fits(mapping: UserMapping, table: Table) -> bool:
    """Whether every column that the mapping names is there."""
    return bool(mapping) and not missing_columns(mapping, table)


def missing_columns(mapping: UserMapping, table: Table) -> tuple[tuple[str, str], ...]:
    """(contact field, column) for each column of the mapping that the table does not have."""
    return tuple((field, name) for field, names in mapping for name in names if not columns_named(name, table))


def resolved(mapping: UserMapping, table: Table) -> UserMapping:
    """The mapping in the table's own names, without the columns that are not there."""
    found = ((field, [column for name in names for column in columns_named(name, table)]) for field, names in mapping)
    return tuple((field, tuple(dict.fromkeys(columns))) for field, columns in found if columns)


def columns_named(name: str, table: Table) -> tuple[str, ...]:
    """The columns that this name means: exactly, else as the file writes it, else in another spelling."""
    if name in table.columns:
        return (name,)
    written = table.headers or table.columns
    as_written = [
        column for column, header in zip(table.columns, written, strict=True) if header.strip() == name.strip()
    ]
    plain = normalise(name)
    return tuple(as_written or [column for column in table.columns if plain and normalise(column) == plain])
