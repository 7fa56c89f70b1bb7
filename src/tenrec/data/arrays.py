"""Plain NumPy arrays that people bring: price paths, and named arrays of a training set."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.data.source import existing_file

ARRAY_SUFFIXES = (".npy", ".npz")
REAL = "fiu"
"""Kinds of NumPy numbers that are real."""


def read_price_paths(path: str | Path) -> Float[np.ndarray, "paths dates"]:
    """Read price paths from a .npy file: one row a path, one column a date, in 64-bit floats.

    Raises:
        DataError: not a .npy file, not two-dimensional, fewer than two dates, or a price that is not finite and
            positive; the message names file, row and column, both counted from 1.
    """
    path = existing_file(path)
    values = read_numeric(path)
    for refusal in refuse_price_paths(path.name, values):
        raise DataError(refusal)
    return values.astype(np.float64)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read the named arrays of a .npz file.

    Raises:
        DataError: unreadable, not numeric, or a value that is not finite; the message names file, array and position.
    """
    path = existing_file(path)
    named = load_named(path)
    for refusal in refuse_arrays(path.name, named):
        raise DataError(refusal)
    return named


def read_numeric(path: Path) -> np.ndarray:
    """The array of a .npy file, if it holds real numbers."""
    if path.suffix.lower() != ".npy":
        raise DataError(f"{path.name} is not a .npy file; save the price paths with numpy.save.")
    array = _load(path)
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path.name} holds several arrays, where one is needed; save it alone with numpy.save.")
    if array.dtype.kind not in REAL:
        raise DataError(f"{path.name} holds {array.dtype}, where real numbers are needed; convert it before saving.")
    return array


def load_named(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file, unchecked."""
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path.name} is not a .npz file; save the named arrays with numpy.savez.")
    loaded = _load(path)
    if isinstance(loaded, np.ndarray):
        raise DataError(f"{path.name} holds one array without a name; save it with numpy.savez.")
    return loaded


def refuse_price_paths(name: str, values: np.ndarray) -> list[str]:
    """A sentence for the first trouble in an array that is meant to hold price paths; else an empty list."""
    if values.ndim != 2 or values.shape[0] < 1 or values.shape[1] < 2:
        shape = " × ".join(map(str, values.shape)) or "a single number"
        return [f"{name} has shape {shape}; paths × dates, with at least two dates, is needed."]
    bad = ~(np.isfinite(values) & (values > 0))
    return [_cell_sentence(name, values, bad, "is not a positive, finite price")] if bad.any() else []


def refuse_arrays(name: str, named: dict[str, np.ndarray]) -> list[str]:
    """A sentence for each array that is not numeric or not finite."""
    refusals = []
    for key, array in named.items():
        label = f"{name} array {key}"
        if array.dtype.kind not in REAL:
            refusals.append(f"{label} holds {array.dtype}, where real numbers are needed; convert it before saving.")
        elif not np.isfinite(array).all():
            refusals.append(_cell_sentence(label, array, ~np.isfinite(array), "is not finite"))
    return refusals


def _load(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        reason = "it holds Python objects or is no NumPy file" if "pickle" in reason else reason
        raise DataError(f"{path.name} cannot be read as NumPy arrays ({reason}); save it again as numbers.") from error


def _cell_sentence(name: str, values: np.ndarray, bad: np.ndarray, problem: str) -> str:
    """The first bad cell, its place counted from 1, and how many more there are."""
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    names = ("row", "column") if len(at) == 2 else tuple(f"axis {axis + 1} position" for axis in range(len(at)))
    place = ", ".join(f"{axis} {index + 1}" for axis, index in zip(names, at, strict=True))
    others = int(bad.sum()) - 1
    more = f" (and {others:,} more value{'s' if others > 1 else ''})" if others else ""
    return f"{name} {place} (counted from 1): {values[at]} {problem}{more}; remove the rows or make them again."
