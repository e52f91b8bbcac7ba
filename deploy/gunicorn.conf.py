"""gunicorn for those who start it themselves: `gunicorn -c deploy/gunicorn.conf.py 'connector:create_app()'`.

It is what `crisp-connector web` tells gunicorn: it takes records and delivers none. `crisp-connector work` does.
"""

import sys
from typing import Any

from connector.cli.serve import check_start, gunicorn_options
from connector.ledger import DatabaseProblem
from connector.manifest import ManifestBroken
from connector.settings import SettingsProblem, read_settings

bind = "127.0.0.1:8080"
workers = 1


def on_starting(_arbiter: object) -> None:
    """Says in one sentence what is wrong, before a worker starts."""
    try:
        code = check_start(read_settings())
        if code:
            print(f"Nobody has an API key yet. Open the page and give it this one-time code: {code}", file=sys.stderr)  # noqa: T201
    except (SettingsProblem, ManifestBroken, DatabaseProblem) as problem:
        raise RuntimeError(str(problem)) from None  # gunicorn prints its text and ends with 1


def _call_timeout() -> int:
    """As the settings say; what is wrong with them is told when gunicorn starts."""
    try:
        return read_settings().call_timeout
    except SettingsProblem:
        return 30


_options: dict[str, Any] = gunicorn_options(_call_timeout())
globals().update(_options)
