"""The ledger: the only place that knows SQL. It remembers every record, person, quota and lease."""

from connector.ledger.database import DatabaseProblem, Ledger, WrongVersion

__all__ = ["DatabaseProblem", "Ledger", "WrongVersion"]
