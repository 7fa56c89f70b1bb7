"""Payoffs and policies that the user writes, in a file or in Python: read, tried, and refused in one sentence."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from tenrec.core.errors import ConfigError
from tenrec.hedging.policies import AbstractPolicy, Own
from tenrec.hedging.view import MarketView

PRELUDE = "import jax\nimport jax.numpy as jnp\nimport numpy as np\n\n"
POLICY_PRELUDE = """from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.hedging.policies import *
from tenrec.hedging.view import MarketView

"""
TRIALS = 64


def embed(given: dict[str, Any], base: Path) -> dict[str, Any]:
    """The configuration with the code of its custom payoffs and policies, so that a folder is enough to repeat it."""
    if "policy" in given:
        given = given | {"policy": _with_policy_code(given["policy"], base)}
    if isinstance(given.get("rivals"), list | tuple):
        given = given | {"rivals": [_with_policy_code(spec, base) for spec in given["rivals"]]}
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
    return dict(leg) | {"source": _read("contract.path", leg["path"], base)}


def _with_policy_code(spec: Any, base: Path) -> Any:
    if not isinstance(spec, Mapping) or spec.get("kind") != "custom" or spec.get("source") is not None:
        return spec
    made = spec.get("make")
    if callable(made):
        source = POLICY_PRELUDE + _source_of(made, "policy.make", "policy.make as FILE.py:NAME")
        file = Path(inspect.getsourcefile(made) or "policy.py").name
        return dict(spec) | {"make": f"{file}:{made.__name__}", "source": source}
    if not isinstance(made, str) or ":" not in made:
        return spec
    return dict(spec) | {"source": _read("policy.make", made.rpartition(":")[0], base)}


def _read(key: str, name: str, base: Path) -> str:
    path = Path(name)
    try:
        return (path if path.is_absolute() else base / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{key} is {name}, which cannot be read; give a Python file.") from None


def _written(leg: dict[str, Any]) -> dict[str, Any]:
    """A function or class of Python, given as `payoff`, as its source."""
    function = leg.pop("payoff")
    source = PRELUDE + _source_of(function, "contract.payoff", "contract.path and contract.name")
    return leg | {"path": inspect.getsourcefile(function) or "payoff.py", "name": function.__name__, "source": source}


def _source_of(function: Any, key: str, instead: str) -> str:
    """The code of a function or class."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        source = ""
    if not source.startswith(("def ", "class ", "@")):
        name = getattr(function, "__name__", "") or type(function).__name__
        raise ConfigError(
            f"{key} is {name}, whose source cannot be read; give a function or class that is defined in a file, or "
            f"{instead}."
        )
    return source


@lru_cache(maxsize=32)
def load_payoff(source: str, name: str, path: str) -> Callable[[Any], Any]:
    """The function that the code calls `name`, or the `payoff` of its class `name`; the same for the same code."""
    found = _executed(source, path, "contract.path").get(name)
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


def _executed(source: str, path: str, key: str) -> dict[str, Any]:
    """What the code defines."""
    namespace: dict[str, Any] = {"__name__": "tenrec_custom", "__file__": path}
    try:
        exec(compile(source, path, "exec"), namespace)
    except Exception as error:
        raise ConfigError(f"{key} {path} cannot be run ({_said(error)}); mend the file.") from None
    return namespace


@lru_cache(maxsize=32)
def load_maker(source: str, make: str) -> Callable[..., Any]:
    """What the code calls NAME in FILE.py:NAME, a policy's class or a function; the same for the same code."""
    file, _, name = make.rpartition(":")
    found = _executed(source, file, "policy.make").get(name)
    if not callable(found):
        raise ConfigError(f"policy.make is {make}, and {file} holds no class or function {name}; give the name of one.")
    return found


def make_policy(source: str, make: str, view: MarketView, key: PRNGKeyArray) -> AbstractPolicy:
    """The user's policy before training: NAME called with what it asks for of `view` and `key`."""
    maker = load_maker(source, make)
    offered = {"view": view, "key": key}
    try:
        wanted = inspect.signature(maker).parameters
        policy = maker(**{name: value for name, value in offered.items() if name in wanted})
    except Exception as error:
        raise ConfigError(
            f"policy.make {make} cannot be made ({_said(error)}); it is given view and key where it asks for them."
        ) from None
    if not isinstance(policy, AbstractPolicy):
        raise ConfigError(
            f"policy.make {make} gives a {type(policy).__name__}; a tenrec.hedging.policies.AbstractPolicy is needed."
        )
    return policy


def try_policy(source: str, make: str, view: MarketView) -> None:
    """Refuse a policy that cannot be traced, or whose targets or memory are not of the right shape."""
    policy = make_policy(source, make, view, jax.random.key(0))

    def first(policy: AbstractPolicy, view: MarketView) -> tuple[Any, Any]:
        def one(known: Any, position: jax.Array) -> tuple[Any, Any]:
            return policy.act(known, Own(position, jnp.zeros_like(position[0]), policy.start()))

        return jax.vmap(one)(policy.inputs(view), jnp.zeros_like(view.price))

    try:
        held, memory = eqx.filter_eval_shape(first, policy, view)
    except Exception as error:
        raise ConfigError(
            f"policy.make {make} cannot be traced by JAX ({_said(error)}); use jax.numpy on the view, and jnp.where in "
            "the place of if."
        ) from None
    if getattr(held, "shape", None) != view.price.shape:
        given = f"shape {held.shape[1:]}" if hasattr(held, "shape") else f"a {type(held).__name__}"
        raise ConfigError(
            f"policy.make {make} holds {given}; units of {view.price.shape[-1]} instruments, shape "
            f"{view.price.shape[1:]}, are needed."
        )
    if jax.tree.structure(memory) != jax.tree.structure(policy.start()):
        raise ConfigError(
            f"policy.make {make} remembers something else than it starts with; `act` must return a memory like that of "
            "`start`, by default own.memory."
        )


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
