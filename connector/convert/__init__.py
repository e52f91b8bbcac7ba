"""Value converters: what a sender wrote → what a contact holds, or nothing. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from connector.convert.countries import country
from connector.convert.given import Given
from connector.convert.phone import phone
from connector.convert.text import address, gender, locale, text
from connector.convert.times import time
from connector.convert.web import domain, url
from connector.convert.zones import timezone

Scalar = str | int | float | bool
Convert = Callable[[Scalar, Given], Scalar | None]


@dataclass(frozen=True, slots=True)
class Converter:
    """A function value → value or None, and the note to write when nothing given could be converted."""

    convert: Convert
    dropped: str | None


# The names that manifests use. Email, segments and data have more than one value and are read by the mapping.
CONVERTERS: dict[str, Converter] = {
    "text": Converter(text, "value_dropped"),
    "address": Converter(address, "value_dropped"),
    "phone": Converter(phone, "phone_dropped"),
    "country": Converter(country, "country_dropped"),
    "time": Converter(time, "date_dropped"),
    "url": Converter(url, "url_dropped"),
    "domain": Converter(domain, "url_dropped"),
    "locale": Converter(locale, "value_dropped"),
    "timezone": Converter(timezone, "value_dropped"),
    # Titles and nicknames for a gender are too many to complain about each.
    "gender": Converter(gender, None),
}

__all__ = ["CONVERTERS", "Convert", "Converter", "Given", "Scalar"]
