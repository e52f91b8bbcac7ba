"""How long a PostgreSQL server that falls silent is waited for."""

from sqlalchemy import URL

# What libpq is told: in seconds, but for the last, in milliseconds. A host that loses power says nothing, so that who
# waits for its answer would wait for hours; one that is only busy goes on being waited for.
LIMITS = {
    "connect_timeout": "5",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def limited(url: URL) -> URL:
    """The address of a PostgreSQL database with these limits, where it does not say others itself."""
    return url.update_query_dict({name: value for name, value in LIMITS.items() if name not in url.query})
