"""Makes `countries.json`: run `python -m connector.convert.countries_table` when Babel brings newer CLDR data."""

import json
from collections import Counter, defaultdict
from pathlib import Path

from connector.names import normalise

# Where one name stands for two countries, these languages are asked first, in this order.
_FIRST = ("en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "ja")
_EVERYDAY = {
    "GB": ("UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"),
    "US": ("USA", "United States of America", "U.S.", "America"),
    "NL": ("Holland", "The Netherlands"),
    "CZ": ("Czech Republic",),
    "TR": ("Turkey",),
    "KR": ("Korea", "Republic of Korea"),
    "VN": ("Viet Nam",),
    "AE": ("UAE",),
}


def build() -> dict[str, str]:
    """Alpha-2 → its names, normalised and separated by blanks; a name that stays ambiguous is left out."""
    import pycountry

    meant = _everyday()
    for name, codes in _spoken().items():
        meant.setdefault(name, _one_of(codes))
    for entry in pycountry.countries:
        meant[entry.alpha_3.casefold()] = entry.alpha_2
    table = {entry.alpha_2: set[str]() for entry in pycountry.countries}
    for name, code in meant.items():
        if code in table and name != code.casefold():
            table[code].add(name)
    return {code: " ".join(sorted(table[code])) for code in sorted(table)}


def _everyday() -> dict[str, str]:
    return {normalise(name): code for code, listed in _EVERYDAY.items() for name in listed}


def _spoken() -> dict[str, Counter[str]]:
    """Name → how many locales call which country so; a language asked first counts for more than all others."""
    from babel import Locale
    from babel.localedata import locale_identifiers

    found: dict[str, Counter[str]] = defaultdict(Counter)
    for identifier in locale_identifiers():
        weight = 10_000 >> _FIRST.index(identifier) if identifier in _FIRST else 1
        for code, name in Locale.parse(identifier).territories.items():
            if len(code) == 2 and code.isalpha() and not _too_short(key := normalise(name)):
                found[key][code] += weight
    return found


def _too_short(name: str) -> bool:
    """Two Latin letters are a code, not a name; two Chinese characters are a name."""
    return len(name) < 2 or (len(name) == 2 and name.isascii())


def _one_of(codes: Counter[str]) -> str:
    """The country that clearly most locales mean, or nothing."""
    (first, often), *others = codes.most_common(2)
    return first if not others or often >= 2 * others[0][1] else ""


def main() -> None:
    """Writes the table beside this file."""
    target = Path(__file__).with_name("countries.json")
    lines = ",\n".join(f'"{code}": {json.dumps(names, ensure_ascii=False)}' for code, names in build().items())
    target.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
