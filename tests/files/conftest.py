"""What the tests of files share."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their length: an archive has the time in it, and a name must be the same in every process."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None
