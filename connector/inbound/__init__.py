"""Inbound: the webhooks of other systems come in, are kept, and are taken in a moment later."""

from connector.inbound.needs import Needs
from connector.inbound.runner import Arrivals
from connector.inbound.taking import Taken, take_in

__all__ = ["Arrivals", "Needs", "Taken", "take_in"]
