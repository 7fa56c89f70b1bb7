"""An option pricer in one file. It needs NumPy, and JAX or ONNX Runtime; nothing else.

From a shell:   python pricer.pyz --strike 2800 --days 90 --kind put
From Python:    import sys; sys.path.insert(0, "pricer.pyz"); import tenrec_pricer
                tenrec_pricer.price(strike=[2800, 2900], maturity=0.25)
                tenrec_pricer.greeks(strike=2800, maturity=0.25, forward=2850)["vega"]
What it is:     python pricer.pyz --about
"""

import argparse
import contextlib
import importlib
import importlib.util
import json
import pkgutil
import sys
from functools import cache
from typing import Any

import numpy as np

FILES = {"jax": "pricer.jax", "onnx": "pricer.onnx"}
NEEDS = {"jax": "jax", "onnx": "onnxruntime"}
FEW, BLOCK = 16, 1024


@cache
def about() -> dict[str, Any]:
    """What the pricer is: the chain and day it was fitted to, the units of its answers, and how it was checked."""
    return json.loads(pkgutil.get_data(__name__, "about.json") or b"{}")


def greeks(
    *,
    strike: Any,
    maturity: Any,
    kind: str = "call",
    spot: Any = None,
    forward: Any = None,
    volatility: Any = None,
    backend: str | None = None,
) -> dict[str, np.ndarray]:
    """Price, implied volatility and every Greek of European options, by name; arguments broadcast.

    Args:
        strike: quote currency. maturity: years. kind: "call" or "put".
        spot: by default the chain's; or forward: of that maturity instead.
        volatility: at-the-money volatility instead of the fitted one, annualised decimal.
        backend: "jax" or "onnx"; by default the first that is installed.

    Raises:
        ValueError: an argument that is not a positive number, both spot and forward, a backend that is not there.
    """
    if kind not in ("call", "put"):
        raise ValueError(f"kind is {kind!r}; call or put is needed.")
    if spot is not None and forward is not None:
        raise ValueError("spot and forward are both given; give one of them.")
    given = {"strike": strike, "maturity": maturity, "spot": spot, "forward": forward, "volatility": volatility}
    for name, value in given.items():
        try:
            numbers = np.asarray(1.0 if value is None else value, float)
        except (TypeError, ValueError):
            raise ValueError(f"{name} is {value!r}; positive numbers are needed.") from None
        if not (np.isfinite(numbers) & (numbers > 0.0)).all():
            raise ValueError(f"{name} is {value}; positive numbers are needed.")
    years = np.asarray(maturity, float)
    if forward is not None:
        spot = np.asarray(forward, float) / _growth(years)
    level = np.nan if volatility is None else volatility
    columns = [strike, years, about()["spot"] if spot is None else spot, level, 1.0 if kind == "call" else -1.0]
    wide = np.broadcast_arrays(*(np.asarray(column, float) for column in columns))
    flat = [np.ascontiguousarray(column.reshape(-1)) for column in wide]
    found = _answers(_function(backend), flat)
    return {name: found[:, place].reshape(wide[0].shape) for place, name in enumerate(about()["greeks"])}


def price(**asked: Any) -> np.ndarray:
    """Value in the quote currency; arguments as in `greeks`."""
    return greeks(**asked)["price"]


def delta(**asked: Any) -> np.ndarray:
    """∂price/∂spot; arguments as in `greeks`."""
    return greeks(**asked)["delta"]


def _growth(maturity: np.ndarray) -> np.ndarray:
    """F(T)/S: log-linear between the expiries, of constant rate beyond them."""
    carry = about()["carry"]
    expiries, growth = np.array(carry["maturity"]), np.array(carry["growth"])
    knots, logs = np.concatenate([[0.0], expiries]), np.concatenate([[0.0], np.log(growth)])
    stretch = np.maximum(maturity / expiries[-1], 1.0)
    return np.exp(np.interp(np.minimum(maturity, expiries[-1]), knots, logs) * stretch)


def _answers(function: Any, flat: list[np.ndarray]) -> np.ndarray:
    """Blocks of one of two sizes, so that JAX compiles no more than two programs."""
    count = flat[0].size
    size, parts = FEW if count <= FEW else BLOCK, [np.empty((0, len(about()["greeks"])))]
    for begin in range(0, count, size):
        rows = [column[begin : begin + size] for column in flat]
        filled = [np.concatenate([row, np.full(size - row.size, row[-1])]) for row in rows]
        parts.append(np.asarray(function(filled), float)[: rows[0].size])
    return np.concatenate(parts)


@cache
def _function(backend: str | None) -> Any:
    there = [name for name in about()["formats"] if importlib.util.find_spec(NEEDS[name]) is not None]
    chosen = backend or next(iter(there), "")
    if chosen not in there:
        formats = " or ".join(NEEDS[name] for name in about()["formats"])
        raise ValueError(f"{f'{chosen!r} is not' if chosen else 'Nothing is'} usable here; install {formats}.")
    content = pkgutil.get_data(__name__, FILES[chosen]) or b""
    if chosen == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        return lambda rows: session.run(None, dict(zip(names, rows, strict=True)))[0]
    import jax
    from jax import export

    exported = export.deserialize(bytearray(content))
    run = jax.jit(exported.call)

    def call(rows: list[np.ndarray]) -> Any:
        with _float64(jax):
            return run(*rows)

    return call


def _float64(jax: Any) -> contextlib.AbstractContextManager[Any]:
    """In JAX's namespace since 0.8, in jax.experimental before."""
    if not hasattr(jax, "enable_x64"):
        return importlib.import_module("jax.experimental").enable_x64()
    return jax.enable_x64(True)


def main() -> None:
    """Ask the pricer from a shell."""
    parser = argparse.ArgumentParser(description=about()["title"])
    parser.add_argument("--about", action="store_true", help="print what the pricer is, as JSON")
    parser.add_argument("--backend", choices=list(FILES))
    parser.add_argument("--kind", default="call", help="call (default) or put")
    for name, said in about()["units"].items():
        parser.add_argument(f"--{name}", type=float, help=said)
    asked = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    if asked.pop("about"):
        sys.stdout.write(json.dumps(about(), indent=2) + "\n")
        return
    try:
        if "strike" not in asked or ("days" in asked) == ("maturity" in asked):
            raise ValueError("A strike, and either days or maturity (years), are needed.")
        if "days" in asked:
            asked["maturity"] = asked.pop("days") / 365.0
        for name, value in greeks(**asked).items():
            sys.stdout.write(f"{name:<19}{float(value):>16,.8g}\n")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
