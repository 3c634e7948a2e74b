"""Convert the values of a run to plain JSON values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from enum import Enum
from typing import Any


def plain_json(value: object) -> Any:
    """``value`` built from None, bool, int, finite float, str, list and dict only.

    Numbers that are not finite become None (JSON has no NaN); enums give their value; dataclasses, pydantic
    models and MSONable objects their dict; NumPy arrays and scalars their Python values; other objects their
    text.
    """
    if isinstance(value, Enum):
        return plain_json(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, Set):
        return [plain_json(item) for item in sorted(value, key=str)]
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain_json(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain_json(getattr(value, field.name)) for field in fields}
    for to_plain in ("as_dict", "model_dump", "tolist"):  # MSONable, pydantic, NumPy
        method = getattr(value, to_plain, None)
        if callable(method):
            return plain_json(method())
    return str(value)
