"""Steps: what somebody does in the other system, in order, in words."""

from connector.ledger.inbounds import Address
from connector.manifest import shipped


def steps_of(address: Address, url: str) -> list[str]:
    """The steps for an address that the outside knows as `url`; without its secret."""
    steps = shipped().sources[address.source].steps
    return [step.replace("{id}", address.id).replace("{url}", url) for step in steps]
