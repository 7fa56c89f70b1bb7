"""Report content of realistic shape and size, drawn from a seeded generator."""

import datetime
import math
from typing import Any

import numpy as np
import polars as pl

from tenrec.reporting import HedgeCurve, ReportData

KINDS = {
    "no_hedge": ("No hedge", 330.0, 0.0, 0.0),
    "black_scholes_delta": ("Black–Scholes delta", 71.0, 15.8, 29.0),
    "leland": ("Leland delta", 69.0, 14.6, 29.0),
    "whalley_wilmott": ("Whalley–Wilmott band", 73.0, 8.4, 9.4),
    "zakamouline": ("Zakamouline band", 72.0, 8.0, 8.1),
    "minimum_variance_delta": ("Minimum-variance delta", 68.0, 15.0, 29.0),
    "feed_forward": ("Feed-forward network", 74.0, 12.1, 29.0),
    "band_network": ("Band network", 70.5, 7.9, 7.7),
}
LEARNED, REFERENCE = "band_network", "black_scholes_delta"


def chosen(count: int) -> list[str]:
    """The learned policy, the reference, and others up to `count`."""
    others = [name for name in KINDS if name not in (LEARNED, REFERENCE)]
    keep = {LEARNED, REFERENCE, *others[: count - 2]}
    return [name for name in KINDS if name in keep]


def pnl(names: list[str], paths: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    shock = rng.standard_t(6, paths) * math.sqrt(4 / 6)
    sample = {}
    for name in names:
        _, std, cost, _ = KINDS[name]
        own = rng.normal(size=paths)
        if name == "no_hedge":
            sample[name] = -230 - std * (np.maximum(shock, -0.7) - 0.4)
        else:
            sample[name] = -228 - cost + std * (0.9 * shock + 0.44 * own) - 5 * (shock**2 - 1)
    return sample


def interval(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def shortfall(sample: np.ndarray) -> float:
    return -float(np.sort(sample)[: max(len(sample) // 20, 1)].mean())


def metrics(sample: dict[str, np.ndarray], *, recorded: bool) -> dict[str, Any]:
    paths = len(next(iter(sample.values())))
    noise = 1.96 / math.sqrt(25 if recorded else paths)
    base = sample[REFERENCE]
    policies = {}
    for name, values in sample.items():
        label, _, cost, trades = KINDS[name]
        std, tail = float(values.std()), shortfall(values)
        risk = 5e2 * float(np.log(np.exp(-values / 5e2).mean()))
        policies[name] = {
            "label": label,
            "risk_bp": interval(risk, 90 * noise),
            "mean_bp": interval(float(values.mean()), std * noise),
            "std_bp": interval(std, std * 0.8 * noise),
            "cvar95_bp": interval(tail, 2 * std * noise),
            "cost_bp": cost,
            "turnover": cost / 10,
            "trades": trades,
            "ratio": {
                "std": interval(std / float(base.std()), 0 if name == REFERENCE else 0.4 * noise),
                "cvar95": interval(tail / shortfall(base), 0 if name == REFERENCE else 0.5 * noise),
            },
            "difference_bp": interval(risk + float(base.mean()), 30 * noise),
        }
    return {
        "kind": "recorded" if recorded else "simulated",
        "currency": "CNY" if recorded else "",
        "spot": 2.85 if recorded else 1.0,
        "paths": paths,
        "clusters": 25 if recorded else None,
        "risk": {"measure": "entropic", "aversion": 20},
        "learned": LEARNED,
        "reference": REFERENCE,
        "policies": policies,
        "optimum": None if recorded else optimum(policies),
        "training": {"seconds": 48.213, "compile_seconds": 3.1, "updates": 1000, "path_steps": 122_880_000},
        "validation": validation() if recorded else None,
    }


def optimum(policies: dict[str, Any]) -> dict[str, Any]:
    gaps = {"band_network": 0.138, "zakamouline": 0.371, "whalley_wilmott": 1.02, "black_scholes_delta": 9.81}
    values = {name: {"value_bp": 242.5655 + gap, "gap_bp": gap} for name, gap in gaps.items() if name in policies}
    return {"optimum_bp": 242.5655, "numerical_error_bp": 4.2e-4, "policies": values}


def validation() -> dict[str, Any]:
    return {
        "folds": ["2017", "2018", "2019"],
        "chosen": "minimum_variance_delta_state",
        "candidates": {
            "minimum_variance_delta_state": {"2017": 0.81, "2018": 0.79, "2019": 1.06},
            "band_network": {"2017": 0.94, "2018": 0.91, "2019": 0.99},
            "feed_forward": {"2017": 1.12, "2018": 1.03, "2019": 1.31},
        },
    }


def history(rng: np.random.Generator, stages: list[str] | None, seeds: int = 2) -> pl.DataFrame:
    frames = []
    for stage in stages or [""]:
        for seed in range(seeds):
            update = np.arange(0, 1000, 5)
            level = 242.6 + 40 * np.exp(-update / 90) + 0.3 * rng.normal()
            score = np.where(update % 25 == 0, level, np.nan)
            frame = pl.DataFrame({"update": update, "loss_bp": level + 0.9 * rng.normal(size=update.size)})
            frame = frame.with_columns(pl.Series("score_bp", score).fill_nan(None), seed=pl.lit(seed))
            frames.append(frame.with_columns(stage=pl.lit(stage)) if stages else frame)
    return pl.concat(frames)


def normal_cdf(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])


def curves(names: list[str], days: tuple[float, ...]) -> tuple[HedgeCurve, ...]:
    found = []
    spot = np.linspace(0.85, 1.15, 121)
    for left in days:
        d1 = np.log(spot) / (0.2 * math.sqrt(left / 365)) + 0.1 * math.sqrt(left / 365)
        delta = normal_cdf(d1)
        width = 0.02 + 0.09 * np.exp(-0.5 * d1**2)
        ratio = {name: delta + 0.015 * i * np.exp(-0.5 * d1**2) for i, name in enumerate(names)}
        ratio |= {"black_scholes_delta": delta}
        if "no_hedge" in ratio:
            ratio["no_hedge"] = np.zeros_like(spot)
        bands = [name for name in names if "band" in name or name in ("whalley_wilmott", "zakamouline")]
        found.append(HedgeCurve(left, spot, ratio, dict.fromkeys(bands, (delta - width, delta + width))))
    return tuple(found)


def ladder() -> pl.DataFrame:
    rows = [(spot, vol, years) for spot in (-0.1, 0.0, 0.1) for vol in (0.0, 0.1) for years in (0.0, 0.04)]
    table = pl.DataFrame(rows, schema=["spot_move", "vol_move", "years_ahead"], orient="row")
    return table.with_columns(pnl_bp=-2e4 * pl.col("spot_move") ** 2 - 1e3 * pl.col("vol_move"))


def stresses() -> pl.DataFrame:
    row = {"stress": "1987-10-19", "spot_move": -0.205, "vol_factor": 4.13, "pnl_bp": -1234.5, "source": "S&P 500"}
    return pl.DataFrame([row])


def explained(names: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """What the P&L of each policy came from."""
    parts = ("sale", "delta", "gamma", "theta", "vega", "carry", "cost", "rest", "total")
    rows = [(name, part, rng.normal(0.0, 20.0), rng.uniform(1.0, 40.0)) for name in names for part in parts]
    return pl.DataFrame(rows, schema=["policy", "part", "mean_bp", "std_bp"], orient="row")


def replay(names: list[str], rng: np.random.Generator, *, recorded: bool) -> dict[str, pl.DataFrame]:
    steps = 30
    spot = np.exp(np.concatenate([[0.0], np.cumsum(0.0105 * rng.normal(size=steps))]))
    days = np.maximum(steps - np.arange(steps + 1), 0.2)
    delta = normal_cdf(np.log(spot) / (0.2 * np.sqrt(days / 365)))
    first = datetime.date(2020, 2, 17)
    date = [first + datetime.timedelta(days=i) for i in range(steps + 1)] if recorded else list(range(steps + 1))
    found = {}
    for name in names:
        every = 1 if name in ("black_scholes_delta", "leland", "feed_forward", "minimum_variance_delta") else 4
        held = np.zeros(steps + 1) if name == "no_hedge" else delta[np.arange(steps + 1) // every * every]
        trade = np.diff(held, prepend=0.0)
        gains = np.concatenate([[0.0], np.cumsum(held[:-1] * np.diff(spot))])
        cost = 0.001 * np.abs(trade) * spot
        pnl = gains - np.cumsum(cost) - np.maximum(spot - 1, 0) * np.linspace(0.5, 1, steps + 1)
        columns = {"date": date, "spot": spot, "position": held, "trade": trade, "cost": cost, "pnl": pnl}
        found[name] = pl.DataFrame(columns | ({"mark": np.maximum(spot - 1, 0) + 0.002} if recorded else {}))
    return found


def groups(names: list[str], rng: np.random.Generator) -> pl.DataFrame:
    expiries = [datetime.date(2020 + month // 12, month % 12 + 1, 25) for month in range(24)]
    level = np.exp(rng.normal(4.3, 0.45, size=len(expiries)))
    columns: dict[str, Any] = {"expiry": expiries, "contracts": rng.integers(8, 34, size=len(expiries))}
    for name in names:
        scale = KINDS[name][1] / 71
        columns[f"std_bp:{name}"] = level * scale * np.exp(0.1 * rng.normal(size=len(expiries)))
        columns[f"mean_bp:{name}"] = 30 * rng.normal(size=len(expiries)) * scale
    return pl.DataFrame(columns)


def days() -> pl.DataFrame:
    rows = [
        (datetime.date(2020, 2, 3), 61.4, "first session after the New Year holiday, −8 % at the open"),
        (datetime.date(2020, 7, 6), -38.2, "rally of 6 %, implied volatility up ten points"),
        (datetime.date(2020, 3, 19), 22.9, "fifth falling day in a row"),
        (datetime.date(2021, 7, 27), 12.3, ""),
        (datetime.date(2020, 7, 16), -9.1, "reversal"),
    ]
    return pl.DataFrame(rows, schema=["date", "difference_bp", "label"], orient="row")


def content(count: int = 8, *, recorded: bool = False, paths: int = 4_000, **changes: Any) -> ReportData:
    """A full report: simulated, or recorded with all that only recorded data has."""
    rng = np.random.default_rng(20240229)
    names = chosen(count)
    sample = pnl(names, 483 if recorded else paths, rng)
    fields: dict[str, Any] = {
        "title": "Hedging sold 50ETF options" if recorded else "Hedging a sold at-the-money call",
        "subtitle": "A call struck at 1.0 with 30 days to expiry is sold and hedged daily in the spot at 10 bp of "
        "the traded value.",
        "summary": (
            "The band network leaves 0.14 bp to the exact optimum, the Black–Scholes delta 9.81 bp.",
            "It trades on 7.7 of 30 days and pays half of what the delta pays.",
            "Its tail is no heavier: the ratio of CVaR 95 % to the delta's is 0.97, with an interval below 1.",
        ),
        "metrics": metrics(sample, recorded=recorded),
        "config_yaml": "market: {model: black_scholes, spot: 1.0, volatility: 0.2}\ncosts: {proportional: 0.001}\n",
        "environment": {"run": "3f9ac2", "tenrec": "0.1.0", "jax": "0.10.0", "platform": "Linux, 2 cores", "seed": "0"},
        "pnl_bp": sample,
        "history": history(rng, ["fold 2017", "fold 2018", "fold 2019", "final"] if recorded else None),
        "hedge_curves": curves(names, (30.0, 15.0, 5.0, 1.0) if recorded else (25.0, 10.0, 2.0)),
        "replay": replay(names, rng, recorded=recorded),
        "replay_title": "The median path, day by day",
        "groups": groups(names, rng) if recorded else None,
        "days": days() if recorded else None,
        "explained": explained(names, rng),
        "explained_paths": 100,
        "ladder": ladder(),
        "stresses": stresses(),
        "selection": {"across a dividend adjustment": 61, "fewer than ten quotes": 12} if recorded else None,
    }
    return ReportData(**(fields | changes))
