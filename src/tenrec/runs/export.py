"""One file that holds a run's policy and answers without tenrec."""

import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.core.errors import ConfigError, WorkError
from tenrec.runs import standalone
from tenrec.runs.advice import PolicyHandle, all_targets_of
from tenrec.runs.files import write_atomically
from tenrec.runs.formats import archive, onnx, onnx_answers, stablehlo
from tenrec.runs.metrics import label_of
from tenrec.runs.run import Run
from tenrec.runs.words import instrument_names

TOLERANCE = 1e-6
STATES = 2000
UNITS = {
    "spot": "price of the underlying, quote currency",
    "time_to_maturity": "years",
    "position": "units held now",
    "implied_vol": "annualised decimal",
    "strike": "quote currency",
    "entry_volatility": "implied volatility at the sale, annualised decimal",
    "last_return": "log return of the last period",
    "wealth": "P&L so far with the premium, quote currency",
}
FURTHER = {
    "position": "units held now of instrument {place}, {name}",
    "strike": "strike of instrument {place}, {name}, quote currency; 0 as if it were listed now",
    "days": "days to the expiry of instrument {place}, {name}",
}
"""What is known of the instruments after the first."""


def export_run(run: Run, *, policy: str | None = None, out: str | Path | None = None) -> dict[str, Any]:
    """Write a policy of a run as one file, `<policy>.pyz`, and say how far its answers are from the original's.

    The file is a Python archive with the policy as StableHLO, for JAX, and as ONNX where that can be made and is within
    1e-6 of the original on random states. See `tenrec.runs.standalone` for how it is asked.

    Raises:
        ConfigError: the file would overwrite a folder. WorkError: the policy needs its own past, or does not export.
    """
    name = str(run.metrics["learned"]) if policy is None else policy
    handle = run.policy(name)
    path = run.path / f"{name}.pyz" if out is None else Path(out)
    if path.is_dir():
        raise ConfigError(f"--out {path} is a folder; name a file, such as {path / (name + '.pyz')}.")
    if handle.policy.start() is not None:
        raise WorkError(f"{name} remembers what it saw before, which one question cannot give; export another policy.")
    instruments, days = instrument_names(run.config), run.config.grid.day_count
    inputs = _inputs(handle, days)
    function, states = _function(handle, list(inputs), days), _states(handle, list(inputs), days)
    wanted = np.asarray(function(*map(jnp.asarray, states)), np.float64)
    size = max(float(np.max(np.abs(wanted))), 1.0)
    formats: dict[str, bytes] = {"jax": stablehlo(function, len(inputs))}
    differences = {"jax": _difference("jax", formats["jax"], states, wanted)}
    left_out = "install jax2onnx and onnxruntime (the extra `onnx`) to have it"
    if all(importlib.util.find_spec(module) for module in ("jax2onnx", "onnxruntime")):
        model, left_out = onnx(function, len(inputs))
        if model is not None:
            found = _difference("onnx", model, states, wanted)
            if found <= TOLERANCE * size:
                formats["onnx"], differences["onnx"], left_out = model, found, ""
            else:
                left_out = f"its answers are {found:.1e} off, more than {TOLERANCE:g}"
    about = {
        "title": f"{label_of(run.config, name)}, from tenrec: units of {' and of '.join(instruments)} to hold next",
        "policy": name,
        "instruments": instruments,
        "inputs": inputs,
        "units": {key: _unit(key, instruments) for key in inputs},
        "run": run.folder.about()["id"],
        "tenrec": importlib.metadata.version("tenrec"),
        "jax": jax.__version__,
        "formats": list(formats),
        "largest_difference": differences,
        "states_checked": STATES,
    }
    write_atomically(path, lambda part: archive(part, "tenrec_policy", standalone, formats, about))
    return {"file": str(path), **about, "onnx_left_out": left_out or None}


def _inputs(handle: PolicyHandle, day_count: float) -> dict[str, float | None]:
    """Every input with its default; None where one must be given."""
    setting, book = handle.setting, handle.setting.contract
    volatility = setting.volatility
    known: dict[str, float | None] = {"spot": None, "time_to_maturity": None, "position": 0.0}
    known |= {"implied_vol": volatility, "strike": float(book.strike[0]), "entry_volatility": volatility}
    known |= {"last_return": 0.0, "wealth": 0.0}
    if book.legs > 1:
        del known["strike"]
    for place in range(2, setting.instruments + 1):
        known[f"position_{place}"] = 0.0
    for place, slot in enumerate(setting.slots, 1):
        if slot is not None:
            known |= {f"option_{place}_strike": 0.0, f"option_{place}_days": slot.life * day_count}
    return known | dict.fromkeys(setting.signal_names, 0.0)


def _unit(key: str, instruments: list[str]) -> str:
    """What an input is, for whoever has to give it."""
    parts = key.split("_")
    place = next((int(part) for part in parts if part.isdigit()), 0)
    if place and parts[0] in ("position", "option"):
        what = "position" if parts[0] == "position" else parts[-1]
        return FURTHER[what].format(place=place, name=instruments[place - 1])
    return UNITS.get(key, "market signal, neutral at 0")


def _function(handle: PolicyHandle, names: list[str], day_count: float) -> Callable[..., Array]:
    """Units to hold next, shape (points,), or (points, instruments) where there are several."""
    setting = handle.setting
    strike, count = setting.contract.strike[0], setting.instruments

    def target(*rows: Array) -> Array:
        at = {"strike": jnp.broadcast_to(strike, rows[0].shape), **dict(zip(names, rows, strict=True))}
        at |= {name.replace("_days", "_time"): at[name] / day_count for name in names if name.endswith("_days")}
        held = jnp.stack([at["position"], *(at[f"position_{place}"] for place in range(2, count + 1))], axis=-1)
        wanted = all_targets_of(handle.policy, setting.view(at), held, at["wealth"])
        wanted = wanted if setting.limits is None else jax.vmap(setting.limits)(wanted, held)
        return wanted[:, 0] if count == 1 else wanted

    return target


def _states(handle: PolicyHandle, names: list[str], day_count: float) -> list[np.ndarray]:
    """Random states that a hedger may meet."""
    rng, setting = np.random.default_rng(0), handle.setting
    strike = float(setting.contract.strike[0])
    volatility = setting.volatility * rng.uniform(0.5, 2.0, STATES)
    time = setting.maturity * rng.uniform(0.01, 1.0, STATES)
    book = setting.contract
    most = float(np.abs(book.quantity).sum() + sum(abs(float(exotic.quantity)) for exotic in book.exotics))
    drawn: dict[str, np.ndarray] = {
        "spot": strike * np.exp(1.5 * volatility * np.sqrt(time) * rng.standard_normal(STATES)),
        "time_to_maturity": time,
        "position": most * rng.uniform(-1.2, 1.2, STATES),
        "implied_vol": volatility,
        "strike": np.full(STATES, strike),
        "entry_volatility": volatility * rng.uniform(0.8, 1.25, STATES),
        "last_return": 0.01 * rng.standard_normal(STATES),
        "wealth": 0.02 * strike * most * rng.standard_normal(STATES),
    }
    drawn |= {name: rng.standard_normal(STATES) for name in setting.signal_names}
    for place in range(2, setting.instruments + 1):
        drawn[f"position_{place}"] = most * rng.uniform(-1.2, 1.2, STATES)
    for place, slot in enumerate(setting.slots, 1):
        if slot is not None:
            # A tenth of them as if they were listed now.
            struck = strike * rng.uniform(0.7, 1.3, STATES) * (rng.random(STATES) > 0.1)
            days = slot.life * day_count * rng.uniform(0.01, 1.0, STATES)
            drawn |= {f"option_{place}_strike": struck, f"option_{place}_days": days}
    return [np.asarray(drawn[name], np.float32) for name in names]


def _difference(form: str, content: bytes, states: list[np.ndarray], wanted: np.ndarray) -> float:
    """The largest difference between what a format answers and what the policy does."""
    in_jax = form == "jax"
    found = jax.export.deserialize(bytearray(content)).call(*states) if in_jax else onnx_answers(content, states)
    return float(np.max(np.abs(np.asarray(found, np.float64) - wanted)))
