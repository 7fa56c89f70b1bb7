"""Configurations of runs that take a second, and what their tests share."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TINY: dict[str, Any] = {
    "market": {"model": "black_scholes"},
    "contract": {"kind": "european_call", "strike": 1.0, "days": 20},
    "grid": {"steps": 4},
    "costs": {"proportional": 0.001},
    "risk": {"measure": "entropic", "aversion": 20},
    "policy": {"kind": "band_network", "hidden": [4], "features": ["log_moneyness", "sqrt_time_to_maturity"]},
    "training": {"updates": 6, "paths": 64, "validation_paths": 64, "per_dispatch": 2, "learning_rate": 0.01},
    "evaluate": {"paths": 300, "against": ["no_hedge", "black_scholes_delta"]},
}
INTERVALS = ("risk_bp", "mean_bp", "std_bp", "cvar95_bp", "difference_bp", "risk")


def tiny(**sections: Any) -> dict[str, Any]:
    """The tiny configuration with whole sections exchanged."""
    return copy.deepcopy(TINY) | sections


def duel(**sections: Any) -> dict[str, Any]:
    """Two learned policies, two seeds each, a ledger of every path: the run that the `finished` fixture keeps."""
    training, evaluate = TINY["training"] | {"seeds": 2}, TINY["evaluate"] | {"paths": 100}
    rival = {"kind": "feed_forward", "hidden": [4], "features": ["log_moneyness", "position"]}
    return tiny(training=training, rivals=[rival], evaluate=evaluate) | sections


def write_config(folder: Path, config: dict[str, Any], name: str = "hedge.yaml") -> Path:
    """The configuration as a file; JSON is YAML."""
    path = folder / name
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def without_seconds(metrics: Any) -> Any:
    """The metrics but for what the clock says."""
    if isinstance(metrics, dict):
        return {key: without_seconds(value) for key, value in metrics.items() if key != "seconds"}
    return metrics


def price_paths(rows: int, steps: int, *, spot: float = 100.0, seed: int = 3) -> np.ndarray:
    """Lognormal price paths, shape (rows, steps + 1)."""
    moves = 0.02 * np.random.default_rng(seed).standard_normal((rows, steps))
    return spot * np.exp(np.concatenate([np.zeros((rows, 1)), np.cumsum(moves, axis=1)], axis=1))


def price_series(folder: Path, count: int = 120) -> Path:
    """A CSV file of daily prices."""
    prices = price_paths(1, count - 1)[0]
    days = np.datetime64("2020-01-01") + np.arange(count)
    path = folder / "prices.csv"
    path.write_text("date,close\n" + "".join(f"{day},{price:.4f}\n" for day, price in zip(days, prices, strict=True)))
    return path


class Listening:
    """A reporter that writes down what it hears and may act on it."""

    def __init__(self, act: Callable[[str, int], None] = lambda stage, done: None) -> None:
        self.stages: list[tuple[str, int]] = []
        self.heard: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.act = act

    def start(self, stage: str, total: int) -> None:
        self.stages.append((stage, total))
        self.act(stage, 0)

    def advance(self, done: int, note: str = "") -> None:
        self.heard.append((self.stages[-1][0], done))
        self.act(*self.heard[-1])

    def say(self, text: str) -> None:
        self.said.append(text)
