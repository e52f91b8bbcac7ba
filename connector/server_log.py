"""gunicorn's own lines in the shape of all others: a request that it cannot read would be quoted in them."""

from typing import Any

from gunicorn.glogging import Logger

from connector.logs import JsonLines


class ServerLog(Logger):
    """gunicorn's `logger_class`."""

    def setup(self, cfg: Any) -> None:
        """As gunicorn sets it up, but for the shape."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonLines())
