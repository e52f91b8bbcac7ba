"""The courier: the only way out. It drains waiting records, and runs single plans such as a read or an erasure."""

from connector.courier.courier import Courier

__all__ = ["Courier"]
