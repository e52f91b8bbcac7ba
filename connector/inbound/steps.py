"""Steps: what somebody does in the other system, in order, in words."""

from connector.ledger.inbounds import Address
from connector.manifest import shipped
from connector.saying import say


def steps_of(address: Address, url: str) -> list[str]:
    """The steps for an address that the outside knows as `url`; without its secret."""
    steps = shipped().sources[address.source].steps
    return [say(step, id=address.id, url=url) for step in steps]


def left_out_of(source: str) -> list[dict[str, str]]:
    """What a source does not carry over, and why."""
    return [
        {name: each[name] for name in ("what", "why")} for each in shipped().sources[source].about.get("left_out", ())
    ]
