"""Plain Python values as JSON text and back, unchanged.

JSON alone turns tuples into lists, keys into text and NaN into null. Values that it lacks are written as an object with
the key `$`, which names the type.

>>> decode(encode({25.0: (1, float("inf"))}))
{25.0: (1, inf)}
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from wheel_assets.errors import BadFrame

_TAG = "$"


def encode(document: Any) -> str:
    """The document as text; raises BadFrame for a value that could not be given back as it is.

    It may hold None, bool, int, float, str, list, tuple, dict, date, datetime and Decimal, in any nesting.
    """
    try:
        return json.dumps(_packed(document), allow_nan=False, separators=(",", ":"))
    except RecursionError as error:
        raise _refused("a value that contains itself") from error


def decode(text: str) -> Any:
    """The document, every value of the type it had."""
    return json.loads(text, object_hook=_unpacked)


def has_content(document: Any) -> bool:
    """Whether any list or mapping of a document holds a value; a document without one is empty.

    >>> has_content({"spot_price": 25.0, "calls": [], "puts": []})
    False
    """
    if isinstance(document, Mapping):
        return any(_filled(value) for value in document.values())
    return _filled(document)


def _filled(value: Any) -> bool:
    """Whether a list or mapping holds a value, at whatever depth."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        return False
    return any(_filled(inner) if isinstance(inner, list | tuple | Mapping) else inner is not None for inner in value)


def _packed(value: Any) -> Any:
    kind = type(value)
    if kind in (type(None), bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [_packed(item) for item in value]
    if kind is dict and all(type(key) is str for key in value) and _TAG not in value:
        return {key: _packed(item) for key, item in value.items()}
    for name, (of, pack, _) in _TYPES.items():
        if kind is of:
            return {_TAG: name, "value": pack(value)}
    raise _refused(f"a value of type {kind.__module__}.{kind.__qualname__}")


def _unpacked(found: dict[str, Any]) -> Any:
    return _TYPES[found[_TAG]][2](found["value"]) if _TAG in found else found


def _packed_time(value: datetime) -> list[Any]:
    """A time and its zone; what a zone of another make means is not known."""
    zone = value.tzinfo
    if zone is not None and not isinstance(zone, timezone | ZoneInfo):
        raise _refused(f"a time with a zone of type {type(zone).__qualname__}")
    named = zone.key if isinstance(zone, ZoneInfo) else None
    return [(value.replace(tzinfo=None) if named else value).isoformat(), named, value.fold]


def _unpacked_time(value: list[Any]) -> datetime:
    text, named, fold = value
    time = datetime.fromisoformat(text).replace(fold=fold)
    return time.replace(tzinfo=ZoneInfo(named)) if named else time


def _refused(what: str) -> BadFrame:
    return BadFrame(f"{what} cannot be cached", "it would not come back as it is", "return plain Python values")


# By name: the type, how it is written, and how it is read.
_TYPES: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "float": (float, str, float),
    "tuple": (tuple, lambda value: [_packed(item) for item in value], tuple),
    "dict": (dict, lambda value: [[_packed(key), _packed(item)] for key, item in value.items()], dict),
    "datetime": (datetime, _packed_time, _unpacked_time),
    "date": (date, date.isoformat, date.fromisoformat),
    "decimal": (Decimal, str, Decimal),
}
