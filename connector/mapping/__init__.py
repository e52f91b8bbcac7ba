"""Record × table → contact and notes. Pure."""

from connector.mapping.layout import IGNORED, Layout, UserMapping, layout_of
from connector.mapping.places import places
from connector.mapping.translate import Columns, Rules, Translated, date_orders, missing_paths, translate

__all__ = [
    "IGNORED",
    "Columns",
    "Layout",
    "Rules",
    "Translated",
    "UserMapping",
    "date_orders",
    "layout_of",
    "missing_paths",
    "places",
    "translate",
]
