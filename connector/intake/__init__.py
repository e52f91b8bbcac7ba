"""Intake: the only way in. Payloads are read, decided on, and accepted in a transaction."""

from connector.intake.accept import Intake, Once
from connector.intake.options import Options
from connector.intake.paged import Paged
from connector.intake.reading import MOST_RECORDS, Reading

__all__ = ["MOST_RECORDS", "Intake", "Once", "Options", "Paged", "Reading"]
