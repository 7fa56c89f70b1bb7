"""A trained model as one file of NumPy arrays, with a few words about it."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.core.errors import DataError

PREFIX = "array_"


def save_arrays(tree: Any, file: Path, **about: Any) -> None:
    """Keep every array of the tree, in its order, and what is said about them; written to a temporary name first."""
    arrays = {f"{PREFIX}{place}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(tree))}
    temporary = file.with_name(f"{file.name}.part")
    with temporary.open("wb") as out:
        named: dict[str, Any] = {**arrays, **{name: np.array(value) for name, value in about.items()}}
        np.savez(out, **named)
    temporary.replace(file)


def read_arrays(file: Path, about: set[str], what: str) -> tuple[list[Array], dict[str, np.ndarray]]:
    """What `save_arrays` kept: the arrays, and what was said about them.

    Raises:
        DataError: the file is none of that kind, of which `what` says how it is written.
    """
    try:
        kept = dict(np.load(file))
    except (ValueError, EOFError):
        kept = {}
    if not {*about, f"{PREFIX}0"} <= set(kept):
        raise DataError(f"{file} holds no such model; give a file that {what} wrote.")
    count = sum(name.startswith(PREFIX) for name in kept)
    arrays = [jnp.asarray(kept[f"{PREFIX}{place}"]) for place in range(count)]
    return arrays, {name: kept[name] for name in about}
