"""Payoffs that the user writes, in a file or in Python: read, tried, and refused in one sentence."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import ConfigError

PRELUDE = "import jax\nimport jax.numpy as jnp\nimport numpy as np\n\n"
TRIALS = 64


def embed(given: dict[str, Any], base: Path) -> dict[str, Any]:
    """The configuration with the code of its custom payoffs in it, so that a run can be repeated from its folder."""
    contract = given.get("contract")
    if isinstance(contract, list | tuple):
        return given | {"contract": [_embedded(leg, base) for leg in contract]}
    return given | {"contract": _embedded(contract, base)} if isinstance(contract, Mapping) else given


def _embedded(leg: Any, base: Path) -> Any:
    if not isinstance(leg, Mapping) or leg.get("kind") != "custom" or leg.get("source") is not None:
        return leg
    if callable(leg.get("payoff")):
        return _written(dict(leg))
    if not isinstance(leg.get("path"), str):
        return leg
    path = Path(leg["path"])
    try:
        return dict(leg) | {"source": (path if path.is_absolute() else base / path).read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"contract.path is {leg['path']}, which cannot be read; give a Python file.") from None


def _written(leg: dict[str, Any]) -> dict[str, Any]:
    """A function or class of Python, given as `payoff`, as its source."""
    function = leg.pop("payoff")
    name = getattr(function, "__name__", "")
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        source = ""
    if not source.startswith(("def ", "class ", "@")):
        raise ConfigError(
            f"contract.payoff is {name or type(function).__name__}, whose source cannot be read; give a function or "
            "class that is defined in a file, or contract.path and contract.name."
        )
    return leg | {"path": inspect.getsourcefile(function) or "payoff.py", "name": name, "source": PRELUDE + source}


@lru_cache(maxsize=32)
def load_payoff(source: str, name: str, path: str) -> Callable[[Any], Any]:
    """The function that the code calls `name`, or the `payoff` of its class `name`; the same for the same code."""
    namespace: dict[str, Any] = {"__name__": "tenrec_payoff", "__file__": path}
    try:
        exec(compile(source, path, "exec"), namespace)
    except Exception as error:
        raise ConfigError(f"contract.path {path} cannot be run ({_said(error)}); mend the file.") from None
    found = namespace.get(name)
    if inspect.isclass(found):
        try:
            found = getattr(found(), "payoff", None)
        except Exception as error:
            raise ConfigError(f"contract.name {name} cannot be made without arguments ({_said(error)}).") from None
    if not callable(found):
        raise ConfigError(
            f"contract.name is {name}, which {path} does not hold as a function, or as a class with a method payoff; "
            "give the name of one."
        )
    return found


def try_payoff(function: Callable[[Any], Any], name: str, dates: int, spot: float) -> float:
    """What it pays on a spot that never moves; refuses what JAX cannot trace, other shapes than one number, and NaN."""
    path = jax.ShapeDtypeStruct((dates,), jnp.float32)
    try:
        shape = jax.eval_shape(function, path)
    except Exception as error:
        raise ConfigError(
            f"contract.name {name} cannot be traced by JAX ({_said(error)}); use jax.numpy on the spots, and jnp.where "
            "in the place of if."
        ) from None
    if getattr(shape, "shape", None) != ():
        given = f"shape {shape.shape}" if hasattr(shape, "shape") else f"a {type(shape).__name__}"
        raise ConfigError(f"contract.name {name} returns {given} for {dates} spots; it must return one number.")
    moves = np.random.default_rng(0).normal(0.0, 0.02, (TRIALS, dates - 1))
    paths = spot * np.exp(np.pad(np.cumsum(moves, axis=1), ((0, 0), (1, 0)))).astype(np.float32)

    def number(spots: Any) -> Any:
        return jnp.asarray(function(spots), jnp.float32)

    paid, slopes = jax.jit(jax.vmap(jax.value_and_grad(number)))(jnp.asarray(paths))
    for what, numbers in (("pays", np.asarray(paid)[:, None]), ("has the derivative", np.asarray(slopes))):
        bad = ~np.isfinite(numbers)
        if bad.any():
            where = paths[int(np.argmax(bad.any(axis=1)))]
            raise ConfigError(
                f"contract.name {name} {what} {numbers[bad][0]:g} on a path from {where[0]:g} to {where[-1]:g}; it "
                "must be finite on every path, so guard divisions, logarithms and roots with jnp.where."
            )
    still = float(number(jnp.full(dates, spot, jnp.float32)))
    return still if np.isfinite(still) else float(np.mean(np.asarray(paid)))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:160]
