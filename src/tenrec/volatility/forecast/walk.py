"""Every model's walk-forward forecasts of one record."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import ConfigError
from tenrec.volatility.forecast.classical import ewma, heston_forecasts, rough_forecast, scaled, walk_garch
from tenrec.volatility.forecast.hybrid import HybridSettings, walk_hybrid
from tenrec.volatility.forecast.linear import LINEAR, LinearModel, walk_linear
from tenrec.volatility.forecast.targets import Schedule, horizons_of, require_days
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]

GARCHES = {"garch": "GARCH", "gjr_t": "GJR-t", "egarch_t": "EGARCH-t", "realised_garch": "Realized GARCH"}
LABELS = {
    "ewma": "EWMA",
    **GARCHES,
    "rough": "rough volatility",
    "heston": "Heston, filtered",
    **{model.name: model.label for model in LINEAR},
    "network": "network alone",
    "hybrid": "hybrid",
}
"""Every model's name for readers, in the order of tables."""
REGRESSION_DAYS, GARCH_DAYS, NETWORK_DAYS = 22, 66, 252
"""Days between fits."""
LEAST_PAST, USUAL_PAST, LEAST_AHEAD = 250, 500, 200
"""Days learned from before the first forecast (at least, and where nothing is said), and days to judge them on."""
LEAST_SEEN = 66
NAMED_ALONE = ("heston",)
"""Models that are walked where they are asked for by name, since they take longer than all others together."""


@dataclass(frozen=True)
class Walk:
    """Forecasts of the mean daily variance over each horizon, made at each close with nothing later.

    Args:
        record: the days. start: first day with forecasts. horizons: days.
        forecasts: model → horizon → (days,) decimal variance a day, NaN before `start`.
        seeds: horizon → (seeds, days) of the hybrid, whose mean it is; empty without it.
        notes: sentences on fits that are not to be trusted as they stand.
    """

    record: VarianceRecord
    start: int
    horizons: tuple[int, ...]
    forecasts: dict[str, dict[int, Days]]
    seeds: dict[int, Float[np.ndarray, "seeds days"]]
    notes: tuple[str, ...] = ()


def first_forecast(record: VarianceRecord, since: np.datetime64 | None = None) -> int:
    """The first day whose close makes a forecast: the last before `since`, or after a third of the record.

    Raises:
        DataError: the record is too short.
    """
    if since is None:
        require_days(len(record), USUAL_PAST + LEAST_AHEAD, "a walk-forward comparison")
        return max(USUAL_PAST, len(record) // 3)
    require_days(len(record), LEAST_PAST + LEAST_AHEAD + 2, "a walk-forward comparison")
    start = int(np.searchsorted(record.dates, since)) - 1
    if not LEAST_PAST <= start <= len(record) - LEAST_AHEAD:
        earliest, latest = record.dates[LEAST_PAST + 1], record.dates[len(record) - LEAST_AHEAD]
        raise ConfigError(f"--from is {since}; a date from {earliest} to {latest} leaves enough days on either side.")
    return start


def base_model(record: VarianceRecord) -> LinearModel:
    """The classical model that the hybrid corrects: the richest that the record allows."""
    named = {model.name: model for model in LINEAR}
    rich = (named["log_har_inputs"], named["log_har_surprises"])
    return next((model for model in rich if model.available(record)), named["log_har"])


def walk_forward(
    record: VarianceRecord,
    *,
    start: int,
    horizons: Iterable[int] = (1, 5, 22),
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    settings: HybridSettings | None = None,
    tell: Callable[[int, int, str], None] | None = None,
) -> Walk:
    """Forecast with every model that the record allows.

    Args:
        start: from `first_forecast`. horizons: days. only: names of models, by default all; without: left out.
        tell: called with (models done, models, the next one's label).
    """
    horizons, names = horizons_of(tuple(horizons)), chosen_models(record, only, without)
    regress = Schedule(len(record), start, REGRESSION_DAYS)
    base = base_model(record)
    forecasts: dict[str, dict[int, Days]] = {}
    seeds: dict[int, np.ndarray] = {}
    linear, notes = {model.name: model for model in LINEAR}, []
    for done, name in enumerate(names):
        if tell is not None:
            tell(done, len(names), LABELS[name])
        if name in linear:
            forecasts[name] = {h: walk_linear(linear[name], record, h, regress) for h in horizons}
        elif name in GARCHES:
            schedule = Schedule(len(record), start, GARCH_DAYS)
            forecasts[name] = walk_garch(name, record, horizons, schedule, say=notes.append)
        elif name == "ewma":
            forecasts[name] = {h: scaled(ewma(record), record, h, regress) for h in horizons}
        elif name == "heston":
            forecasts[name] = heston_forecasts(record, horizons, Schedule(len(record), start, NETWORK_DAYS))
        elif name == "rough":
            forecasts[name] = {h: rough_forecast(record, h, regress) for h in horizons}
        else:
            yearly = Schedule(len(record), start, NETWORK_DAYS)
            classical = {h: walk_linear(base, record, h, regress) for h in horizons} if name == "hybrid" else None
            runs = walk_hybrid(record, base, classical, yearly, horizons, settings)
            forecasts[name] = {h: runs[h].mean(0) for h in horizons}
            seeds = runs if name == "hybrid" else seeds
    if tell is not None:
        tell(len(names), len(names), "")
    return Walk(record, start, horizons, forecasts, seeds, tuple(notes))


def chosen_models(record: VarianceRecord, only: Iterable[str] = (), without: Iterable[str] = ()) -> list[str]:
    """The models to walk: all that the record allows, or `only` some of them.

    Raises:
        ConfigError: a name that is none, a named model whose inputs the record lacks, or none left.
    """
    wanted, left_out = list(dict.fromkeys(only)), set(without)
    for option, given in (("--model", wanted), ("--without", sorted(left_out))):
        unknown = [name for name in given if name not in LABELS]
        if unknown:
            raise ConfigError(f"{option} {unknown[0]} is no model; choose from {', '.join(LABELS)}.")
    returns_known = bool(np.isfinite(record.returns[1:]).all())
    possible = [name for name in LABELS if _available(name, record, returns_known)]
    lacking = [name for name in wanted if name not in possible]
    if lacking:
        raise ConfigError(
            f"--model {lacking[0]} needs what the record has not; with these prices there are {', '.join(possible)}."
        )
    usual = wanted or [name for name in possible if name not in NAMED_ALONE]
    names = [name for name in possible if name in usual and name not in left_out]
    if not names:
        raise ConfigError("--without names every model; leave at least one.")
    return names


def _measured(record: VarianceRecord) -> bool:
    """Whether the variances are more than the squares of the returns, so that they tell something beside them."""
    known = np.isfinite(record.returns)
    return float(np.mean(np.isclose(record.variance[known], record.returns[known] ** 2))) < 0.5


def _available(name: str, record: VarianceRecord, returns_known: bool) -> bool:
    if name in GARCHES or name == "heston":
        return returns_known and (name != "realised_garch" or _measured(record))
    model = next((model for model in LINEAR if model.name == name), None)
    return model is None or model.available(record)
