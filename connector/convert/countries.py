"""Countries: codes and names in any language → ISO 3166-1 alpha-2."""

import json
from functools import lru_cache
from importlib.resources import files

from connector.convert.given import Given
from connector.names import normalise


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """Normalised name, alpha-2 or alpha-3 code → alpha-2, from `countries.json` beside this file."""
    table = json.loads(files("connector.convert").joinpath("countries.json").read_text(encoding="utf-8"))
    found = {name: code for code, listed in table.items() for name in listed.split(" ")}
    return found | {code.casefold(): code for code in table}


def country(value: str | float | bool, given: Given) -> str | None:
    """Alpha-2 of a code in any case, an alpha-3 code, a name in any CLDR locale, or an everyday form (UK, Holland)."""
    del given
    return names().get(normalise(value)) if isinstance(value, str) else None
