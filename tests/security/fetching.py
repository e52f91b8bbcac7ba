"""What the tests of fetching have in common."""

from io import BytesIO

from connector.hooks.egress import Egress, Fetched, Terms

CSV = b"email,name\nada@example.com,Ada\n"
OK = b"HTTP/1.1 200 OK\r\n"
# What must not be told again, in an address.
SECRET = "token=s3cr3t"


def fetched(url: str, *, most: int = 1_000, seconds: float = 5, read_seconds: float = 5) -> tuple[Fetched, bytes]:
    """What is fetched from an address on this machine, which the operator opened."""
    into, terms = BytesIO(), Terms(read_seconds=read_seconds)
    egress = Egress(frozenset({"127.0.0.0/8", "::1"}), terms=terms)
    return egress.fetch(url, into, most=most, seconds=seconds), into.getvalue()
