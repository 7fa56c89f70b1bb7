"""What a book and its hedge would make, were the market to jump: a ladder of moves, and days that have happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.core.errors import InputError
from tenrec.hedging.view import MarketView
from tenrec.runs.advice import PolicyHandle, Setting
from tenrec.runs.revaluation import book_numbers, further_numbers

SPOT_MOVES = (-0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2, 0.3)
VOL_MOVES = (-0.1, 0.0, 0.1, 0.3)
SHARES = (0.0, 0.25, 0.5)
INSTANT = 1e-6
"""Years to its expiry at which an option has expired."""


@dataclass(frozen=True)
class Stress:
    """A day or month that happened, by the levels of an index and of its volatility index before and after.

    `source` says whose levels they are; what is assumed is called so there.
    """

    name: str
    spot: tuple[float, float]
    volatility: tuple[float, float]
    source: str

    @property
    def spot_move(self) -> float:
        """Relative move of the spot."""
        return self.spot[1] / self.spot[0] - 1.0

    @property
    def vol_factor(self) -> float:
        """Factor on the implied volatility."""
        return self.volatility[1] / self.volatility[0]


CLOSES = "closes of the S&P 500 and the VIX"
STRESSES = (
    Stress("1987-10-19", (282.70, 224.84), (36.37, 150.19), "closes of the S&P 500 and, recomputed by Cboe, the VXO"),
    Stress("2008-10", (1166.36, 968.75), (39.39, 59.89), f"{CLOSES}, 30 September to 31 October"),
    Stress(
        "2010-05-06",
        (1165.87, 1065.79),
        (24.91, 40.71),
        "closes of the day before to low of the S&P 500, high of the VIX",
    ),
    Stress("2015-08-24", (1970.89, 1893.21), (28.03, 40.74), CLOSES),
    Stress("2018-02-05", (2762.13, 2648.94), (17.31, 37.32), CLOSES),
    Stress("2020-02-19 to 03-23", (3386.15, 2237.40), (14.38, 61.59), f"{CLOSES}, as published"),
    Stress("2020-03-16", (2711.02, 2386.13), (57.83, 82.69), f"{CLOSES}, as published"),
    Stress(
        "bitcoin 2020-03-12", (7911.43, 4970.79), (1.0, 2.0), "daily closes, CoinMarketCap; doubled volatility: assumed"
    ),
)


@dataclass(frozen=True)
class Moment:
    """Where the scenarios start from: market, time left in years, and units of the hedging instruments held.

    Args:
        position: of the first instrument. others: of those after it, in their order; none where not given.
        options: what is known of the listed options, as in `target`: option_2_strike (quote currency) and
            option_2_time (years to its expiry); as if they were listed at this moment where not given.
    """

    spot: float
    time_to_maturity: float
    volatility: float
    position: float
    others: tuple[float, ...] = ()
    options: Mapping[str, float] = field(default_factory=dict)


def moment(
    handle: PolicyHandle,
    *,
    spot: float | None = None,
    time_to_maturity: float | None = None,
    implied_vol: float | None = None,
    position: float | None = None,
    others: Sequence[float] | None = None,
    **options: float,
) -> Moment:
    """The start of the run where nothing is given; the positions that the policy wants there, coming from none.

    Raises:
        InputError: a number that cannot be.
    """
    setting = handle.setting
    if spot is None:
        spot = setting.initial_spot or float(setting.contract.strike[0])
    time = setting.maturity if time_to_maturity is None else time_to_maturity
    volatility = setting.volatility if implied_vol is None else implied_vol
    where: dict[str, Any] = {"spot": spot, "time_to_maturity": time, "implied_vol": volatility, **options}
    wanted = handle.targets(**where).tolist() if position is None or others is None else []
    first = wanted[0] if position is None else position
    further = wanted[1:] if others is None else others
    if len(further) > setting.instruments - 1:
        raise InputError(
            f"{len(further)} others were given and the hedge has {setting.instruments - 1} instruments after the "
            "first; give the units of each."
        )
    return Moment(float(spot), float(time), float(volatility), float(first), tuple(map(float, further)), options)


def ladder(
    setting: Setting,
    start: Moment,
    *,
    spot_moves: Sequence[float] = SPOT_MOVES,
    vol_moves: Sequence[float] = VOL_MOVES,
    years_ahead: Sequence[float] | None = None,
) -> pl.DataFrame:
    """P&L and Greeks of book plus hedge at every spot, volatility and time.

    Args:
        spot_moves: relative. vol_moves: added to the annualised volatility. years_ahead: time that passes; by default
            nothing, a quarter and a half of what is left.

    Returns:
        Rows of spot_move, vol_move, years_ahead, and pnl (book and hedge less their value at the start, without
        interest), delta, gamma, vega; quote currency and units of the underlying.
    """
    times = [share * start.time_to_maturity for share in SHARES] if years_ahead is None else list(years_ahead)
    _check(start, spot_moves, vol_moves, times)
    moves, added, later = (
        axis.ravel() for axis in np.meshgrid(np.asarray(spot_moves), np.asarray(vol_moves), times, indexing="ij")
    )
    numbers = _revalued(
        setting, start, start.spot * (1.0 + moves), start.volatility + added, start.time_to_maturity - later
    )
    return pl.DataFrame({"spot_move": moves, "vol_move": added, "years_ahead": later, **numbers})


def stresses(setting: Setting, start: Moment, named: Sequence[Stress] = STRESSES) -> pl.DataFrame:
    """P&L and Greeks of book plus hedge after each stress, which happens at once; columns as in `ladder`."""
    spot = start.spot * (1.0 + np.array([stress.spot_move for stress in named]))
    volatility = start.volatility * np.array([stress.vol_factor for stress in named])
    numbers = _revalued(setting, start, spot, volatility, np.full(len(named), start.time_to_maturity))
    told = {
        "stress": [stress.name for stress in named],
        "spot_move": [stress.spot_move for stress in named],
        "vol_factor": [stress.vol_factor for stress in named],
    }
    return pl.DataFrame(told | numbers | {"source": [stress.source for stress in named]})


def _revalued(
    setting: Setting, start: Moment, spot: np.ndarray, volatility: np.ndarray, time: np.ndarray
) -> dict[str, np.ndarray]:
    """Book and hedge at every point, less what they are worth at the start, which is put in front of the points."""
    time = np.append(start.time_to_maturity, time)
    view = _view(setting, start, np.append(start.spot, spot), np.append(start.volatility, volatility), time)
    spots, price = np.asarray(view.spot, float), np.asarray(view.price[:, 0], float)
    # A coin-margined contract of one unit gains (1/S before − 1/S now) coins, each worth S now.
    gain = spots / spots[0] - 1.0 if setting.inverse else price - price[0]
    slope = 1.0 / spots[0] if setting.inverse else price / spots
    numbers = book_numbers(view, start.volatility)
    numbers["delta"] = numbers["delta"] + start.position * slope
    pnl = numbers.pop("value") + start.position * gain
    if any(start.others):
        further = further_numbers(setting, view, time=time, passed=start.time_to_maturity - time)
        for units, own in zip(start.others, further, strict=False):
            pnl = pnl + units * own["value"]
            numbers = {name: column + units * own[name] for name, column in numbers.items()}
    return {name: column[1:] for name, column in {"pnl": pnl - pnl[0], **numbers}.items()}


def _view(setting: Setting, start: Moment, spot: np.ndarray, volatility: np.ndarray, time: np.ndarray) -> MarketView:
    """The book and the listed options at every point; the options keep the strikes and expiries of the start."""
    wide = np.ones_like(spot)
    at = {
        "spot": spot,
        "time_to_maturity": time,
        "implied_vol": volatility,
        "entry_volatility": start.volatility * wide,
        "strike": float(setting.contract.strike[0]) * wide,
        "last_return": 0.0 * wide,
        **dict.fromkeys(setting.signal_names, 0.0 * wide),
        **{name: number * wide for name, number in start.options.items()},
    }

    def view() -> MarketView:
        return setting.view({name: jnp.asarray(column, jnp.float32) for name, column in at.items()})

    listed = view().options
    if listed is None:
        return view()
    for place, slot in enumerate(setting.slots, 1):
        if slot is not None:
            at[f"option_{place}_strike"] = float(listed.strike[0, place - 1]) * wide
            left = float(listed.time[0, place - 1]) - (time[0] - time)
            at[f"option_{place}_time"] = np.where(left > INSTANT, left, 0.0)
    return view()


def _check(start: Moment, spot_moves: Sequence[float], vol_moves: Sequence[float], times: Sequence[float]) -> None:
    """Refuse moves after which there is no market."""
    if min(spot_moves) <= -1.0:
        raise InputError(f"spot_moves holds {min(spot_moves):g}; moves above -1, all of the spot, are needed.")
    if start.volatility + min(vol_moves) <= 0.0:
        raise InputError(
            f"vol_moves holds {min(vol_moves):g}, which leaves no volatility of {start.volatility:g}; "
            "give smaller falls."
        )
    if min(times) < 0.0 or max(times) >= start.time_to_maturity:
        raise InputError(
            f"years_ahead holds {min(times):g} to {max(times):g}; times from 0 to below the {start.time_to_maturity:g} "
            "years that are left are needed."
        )
