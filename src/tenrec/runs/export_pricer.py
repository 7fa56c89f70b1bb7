"""One file that holds a fitted option pricer and answers without tenrec."""

import importlib.metadata
import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.pricing.chain_pricer import GREEKS, ChainPricer, greeks_of_rows
from tenrec.runs import standalone_pricer
from tenrec.runs.files import write_atomically
from tenrec.runs.formats import Function, archive, onnx, onnx_answers, stablehlo
from tenrec.runs.price import PriceRun

TOLERANCE = 1e-6
"""Of the largest answer of the same Greek, or of 1."""
STATES, COLUMNS = 64, 5
UNITS = {
    "strike": "quote currency",
    "maturity": "years",
    "days": "days of a year of 365, instead of maturity",
    "spot": "price of the underlying, quote currency (default: the chain's)",
    "forward": "forward of that maturity instead of a spot",
    "volatility": "at-the-money volatility, annualised decimal (default: the fitted one)",
}


def export_pricer(run: PriceRun, *, out: str | Path | None = None) -> dict[str, Any]:
    """Write the pricer of a run of `tenrec price` as one file and say how far its answers are from the original's.

    The file is a Python archive with price, implied volatility and Greeks as StableHLO in float64, for JAX, and as ONNX
    where that can be made and is within 1e-6 of the original. See `tenrec.runs.standalone_pricer` for how it is asked.

    Raises:
        ConfigError: the file would overwrite a folder.
    """
    path = run.path / "pricer.pyz" if out is None else Path(out)
    if path.is_dir():
        raise ConfigError(f"--out {path} is a folder; name a file, such as {path / 'pricer.pyz'}.")
    pricer, metrics = run.pricer, run.metrics
    function, asked = partial(_rows, _exact(pricer)), _asked(pricer)
    wanted = _wanted(pricer, asked)
    with jax.enable_x64(True):
        formats = {"jax": stablehlo(function, COLUMNS, jnp.float64)}
        differences = {"jax": _difference(_called(formats["jax"])(*asked), wanted)}
    left_out = "install jax2onnx and onnxruntime (the extra `onnx`) to have it"
    if all(importlib.util.find_spec(module) for module in ("jax2onnx", "onnxruntime")):
        with jax.enable_x64(True):
            model, left_out = onnx(function, COLUMNS, double=True)
        if model is not None:
            found, left_out = _checked(model, asked, wanted)
            if not left_out:
                formats["onnx"], differences["onnx"] = model, found
    day = f" of {metrics['day']}" if metrics["day"] else ""
    about = {
        "title": f"European options on {metrics['file']}{day}, fitted without arbitrage by tenrec",
        "greeks": list(GREEKS),
        "units": UNITS,
        "spot": float(pricer.spot),
        "carry": {"maturity": pricer.expiries.tolist(), "growth": pricer.growth.tolist()},
        "fit": metrics["fit"],
        "tenrec": importlib.metadata.version("tenrec"),
        "jax": jax.__version__,
        "formats": list(formats),
        "largest_difference": differences,
        "states_checked": STATES,
    }
    write_atomically(path, lambda part: archive(part, "tenrec_pricer", standalone_pricer, formats, about))
    return {"file": str(path), **about, "onnx_left_out": left_out or None}


def _exact(pricer: ChainPricer) -> ChainPricer:
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), pricer)


def _rows(pricer: ChainPricer, *columns: Array) -> Array:
    return greeks_of_rows(jax.tree.map(jnp.asarray, pricer), *columns)


def _asked(pricer: ChainPricer) -> list[np.ndarray]:
    """Random options that may be asked for: strike, maturity, spot, at-the-money volatility (half NaN), sign."""
    rng = np.random.default_rng(0)
    first, last = float(pricer.expiries[0]), 1.2 * float(pricer.expiries[-1])
    maturity = first * (last / first) ** rng.random(STATES)
    spot = float(pricer.spot) * np.exp(rng.normal(0.0, 0.05, STATES))
    deviation = float(pricer.reference) * np.sqrt(maturity)
    strike = spot * np.exp(deviation * rng.uniform(-2.5, 1.5, STATES))
    level = np.where(np.arange(STATES) % 2, np.nan, float(pricer.reference) * rng.uniform(0.6, 1.6, STATES))
    return [strike, maturity, spot, level, np.where(rng.random(STATES) < 0.5, 1.0, -1.0)]


def _wanted(pricer: ChainPricer, asked: list[np.ndarray]) -> np.ndarray:
    """What the pricer itself answers."""
    strike, maturity, spot, level, sign = asked
    found = np.empty((STATES, len(GREEKS)))
    for kind, own in (("call", sign > 0), ("put", sign < 0)):
        for rows in (own & np.isnan(level), own & ~np.isnan(level)):
            more = {} if np.isnan(level[rows]).all() else {"volatility": level[rows]}
            answer = pricer.greeks(strike=strike[rows], maturity=maturity[rows], spot=spot[rows], kind=kind, **more)
            found[rows] = np.stack([answer[name] for name in GREEKS], axis=1)
    return found


def _called(content: bytes) -> Function:
    return jax.jit(jax.export.deserialize(bytearray(content)).call)


def _difference(found: Any, wanted: np.ndarray) -> float:
    """The largest difference, as a share of the largest answer of the same Greek, or of 1."""
    size = np.maximum(np.abs(wanted).max(axis=0), 1.0)
    apart = np.abs(np.asarray(found, np.float64) - wanted) / size
    return float(np.max(np.nan_to_num(apart, nan=np.inf)))


def _checked(content: bytes, asked: list[np.ndarray], wanted: np.ndarray) -> tuple[float, str]:
    """How far ONNX Runtime's answers are, and why that is too far, if it is."""
    try:
        found = _difference(onnx_answers(content, asked), wanted)
    except Exception as error:
        return np.inf, f"ONNX Runtime says: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return found, "" if found <= TOLERANCE else f"its answers are {found:.1e} off, more than {TOLERANCE:g}"
