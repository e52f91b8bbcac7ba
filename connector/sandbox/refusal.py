"""What Crisp refuses, as one exception that carries status, reason and message."""

from collections.abc import Iterable, Mapping


class RefusalError(Exception):
    """Answered as `{"error": true, "reason": …, "data": {"message": …}}`; without a message `data` is empty.

    Where Crisp documents no word for a reason it is ours: only the status is sure.
    """

    def __init__(self, status: int, reason: str, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {reason} {message}".rstrip())
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}


def invalid(problems: Iterable[str]) -> RefusalError:
    """400, naming every field that is wrong."""
    return RefusalError(400, "invalid_data", "; ".join(problems))


def people_not_found() -> RefusalError:
    """404, as recorded: `{"error": true, "reason": "people_not_found", "data": {}}`."""
    return RefusalError(404, "people_not_found")


def people_exists() -> RefusalError:
    """409 of Add New People Profile and of a changed email; whether Crisp tells whose it is, is not known."""
    return RefusalError(409, "people_exists", "email: belongs to another profile")


def route_not_found() -> RefusalError:
    """404 of a route that this Crisp does not have."""
    return RefusalError(404, "route_not_found")
