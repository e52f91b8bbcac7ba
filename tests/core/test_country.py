"""Countries: codes and names in any language become ISO 3166-1 alpha-2."""

from pathlib import Path

import pycountry
import pytest

from connector.convert import Given, Scalar, countries_table
from connector.convert.countries import country


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("FR", "FR"),
        ("fr", "FR"),
        (" nl ", "NL"),
        ("UK", "GB"),
        ("SWE", "SE"),
        ("deu", "DE"),
        ("France", "FR"),
        ("Frankreich", "FR"),
        ("España", "ES"),
        ("espana", "ES"),
        ("Hrvatska", "HR"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("Österreich", "AT"),
        ("Nederland", "NL"),
        ("Schweiz", "CH"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("Ελλάδα", "GR"),
        ("مصر", "EG"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("England", "GB"),
        ("Scotland", "GB"),
        ("Great Britain", "GB"),
        ("Holland", "NL"),
        ("The Netherlands", "NL"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Côte d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("South Korea", "KR"),
        ("Georgia", "GE"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("Dominica", "DM"),
        ("Dominican Republic", "DO"),
    ],
)
def test_codes_and_names_are_understood(written: str, code: str) -> None:
    assert country(written, Given()) == code


@pytest.mark.parametrize(
    "written",
    [
        "XX",
        "ZZ",
        "EU",
        "XXX",
        "X",
        "",
        " ",
        "-",
        "Narnia",
        "Europe",
        "California",
        "Paris",
        "33",
        "FR-75",
        33,
        True,
        1.5,
    ],
)
def test_what_is_no_country(written: Scalar) -> None:
    assert country(written, Given()) is None


@pytest.mark.parametrize("entry", list(pycountry.countries), ids=lambda entry: str(entry.alpha_2))
def test_every_iso_country_has_its_codes_and_its_name(entry: "pycountry.db.Data") -> None:
    both = [country(code, Given()) for code in (entry.alpha_2, entry.alpha_3, entry.alpha_3.lower())]
    assert both == [entry.alpha_2] * 3


def test_promise_24_the_country_table_is_what_cldr_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = Path(countries_table.__file__).with_name("countries.json").read_text(encoding="utf-8")
    monkeypatch.setattr(countries_table, "__file__", str(tmp_path / "countries_table.py"))
    countries_table.main()
    made = (tmp_path / "countries.json").read_text(encoding="utf-8")
    assert made == kept, "run python -m connector.convert.countries_table"
