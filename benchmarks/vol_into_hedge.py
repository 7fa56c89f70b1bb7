"""What volatility models bring to a hedge, out of sample, next to the delta at the implied volatility.

    python benchmarks/vol_into_hedge.py shanghai
    python benchmarks/vol_into_hedge.py spx FOLDER
    python benchmarks/vol_into_hedge.py markets FOLDER
    python benchmarks/vol_into_hedge.py trained FOLDER

`shanghai`: sold Shanghai 50ETF options (bundled), 2017–2019 and 2020–2021: the delta at walk-forward forecasts.
`spx`: one at-the-money option sold every week on the S&P 500 for 22 days at the VIX, a call and a put in turn,
2006–2018, hedged daily at 2 bp: deltas at forecasts, and bands that tighten when a spike is likely.
`markets`: on calls alone, networks learned on Black–Scholes, GARCH, switching and Heston markets calibrated until 2005
by the squared changes of the marked P&L, or by the CVaR of the final loss (`--objective terminal`).
`trained`: one small network forecasts the volatility of the delta, learned by QLIKE or through the hedge, on 1991–2005,
judged on 2006–2018.

FOLDER holds vol_indices/SPX_daily.csv and vol_indices/VIX.csv. Numbers are ratios of the standard deviation and of the
CVaR 95 % of the final loss to those of the delta at implied volatility, with 95 % intervals that resample expiries
(Shanghai) or quarters (S&P 500), and the mean cost in basis points of spot.
"""

import argparse
import dataclasses
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import yaml
from machine import busy

from tenrec.backtest import SelectionRule, load_record
from tenrec.backtest.forecasts import with_forecasts
from tenrec.contracts.european import EuropeanBook
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample, assess, views
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import (
    AbstractPolicy,
    BlackScholesDelta,
    ForecastDelta,
    ForecastingDelta,
    TightenedBand,
    WhalleyWilmott,
    make_forecasting_delta,
)
from tenrec.nets import FitSettings, best_models, fit, start
from tenrec.runs.api import hedge
from tenrec.runs.policies import load_policy
from tenrec.runs.statistics import CVAR95, STD, Comparison
from tenrec.runs.vol.bundled import shanghai_record
from tenrec.runs.vol.calibrate import calibrate_prices
from tenrec.runs.vol.reading import Reading, read_prices
from tenrec.volatility.forecast.forecaster import Forecaster, forecaster_of
from tenrec.volatility.forecast.hybrid import HybridSettings
from tenrec.volatility.forecast.walk import first_forecast, walk_forward
from tenrec.volatility.spikes.events import IMPLIED_SPIKE
from tenrec.volatility.spikes.probability import spike_probability

MODELS = ("ewma", "gjr_t", "har", "log_har_surprises", "hybrid")
MARKETS = ("black_scholes", "garch", "regimes", "heston")
SESSIONS = 22
LEARN = 750
"""Days before the first spike probability."""
COST = 0.0002
SPX_FROM = np.datetime64("2006-01-01")


def show(heading: str, policies: dict[str, AbstractPolicy], sample: Sample, terms: Terms, clusters: np.ndarray) -> None:
    """One line a policy; the first is what the others are compared with."""
    outcomes = assess(policies, sample, terms)
    losses = {name: -np.asarray(outcome.pnl, np.float64) for name, outcome in outcomes.items()}
    comparison, reference = Comparison(losses, clusters), next(iter(policies))
    print(f"\n{heading}: {len(clusters):,} options, {len(np.unique(clusters))} clusters")
    print(f"{'':38s}{'std bp':>7s}{'CVaR bp':>9s}{'std ratio':>21s}{'CVaR ratio':>21s}{'cost bp':>9s}")
    for name, outcome in outcomes.items():
        std, tail = (1e4 * comparison.value(statistic, name)["value"] for statistic in (STD, CVAR95))
        shown = ""
        for statistic in (STD, CVAR95):
            ratio = comparison.ratio(statistic, name, reference)
            shown += f"{ratio['value']:8.3f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        print(f"{name:38s}{std:7.1f}{tail:9.1f}{shown}{1e4 * float(outcome.cost.mean()):9.2f}")


def forecasters(reading: Reading, since: str, name: str, models: tuple[str, ...] = MODELS) -> dict[str, Forecaster]:
    """Walk-forward forecasts of every model."""
    first = first_forecast(reading.record, np.datetime64(since))
    walk = walk_forward(reading.record, start=first, only=models, settings=HybridSettings(seeds=5))
    return {model: forecaster_of(walk, model, name) for model in models}


def shanghai() -> None:
    """Deltas at forecasts on the recorded panel; nothing is fitted but the forecasts, each on its own past."""
    record = load_record(SelectionRule(), rate=0.025)
    made = forecasters(shanghai_record(), "2016-06-01", "Shanghai 50ETF")
    terms = Terms(margined=(True,), costs=(ProportionalCost(jnp.asarray(0.0005)),))
    for start_date, end_date in ((dt.date(2017, 1, 1), dt.date(2019, 12, 31)), (dt.date(2020, 1, 1), None)):
        panel = record.panel.between(start_date, end_date)
        paths = panel.paths
        policies: dict[str, AbstractPolicy] = {"delta at implied": BlackScholesDelta()}
        policies["delta at implied of the sale"] = BlackScholesDelta("entry")
        columns, names = [paths.signals], list(paths.signal_names)
        for model, forecaster in made.items():
            seen = with_forecasts(record, forecaster)[0].panel.between(start_date, end_date)
            columns.append(seen.paths.signals[..., -1:])
            names.append(model)
            policies[f"delta at {forecaster.label}"] = ForecastDelta(signal=model)
        policies["delta half way to the hybrid"] = ForecastDelta(0.5, signal="hybrid")
        paths = eqx.tree_at(lambda tree: tree.signals, paths, jnp.concatenate(columns, axis=-1))
        sample = Sample(_renamed(paths, tuple(names)), panel.book, jnp.asarray(panel.premium, jnp.float32))
        expiry = panel.contracts["expiry"].to_numpy()
        show(f"Shanghai {start_date.year}–{(end_date or dt.date(2021, 1, 1)).year}", policies, sample, terms, expiry)
        if end_date is None:
            calm = ~_crosses(panel.dates, ("2020-02-03", "2020-07-06"))
            less = _of(sample, calm)
            show("the same without options held over 2020-02-03 or 2020-07-06", policies, less, terms, expiry[calm])


def _of(sample: Sample, rows: np.ndarray) -> Sample:
    """Some of the options."""
    where = np.flatnonzero(rows)
    return jax.tree.map(lambda leaf: leaf[where] if leaf.shape[:1] == rows.shape else leaf, sample)


def _crosses(dates: np.ndarray, days: tuple[str, ...]) -> np.ndarray:
    hit = [np.any(dates == np.datetime64(day), axis=1) for day in days]
    return np.any(hit, axis=0)


def _renamed(paths: Any, names: tuple[str, ...]) -> Any:
    return dataclasses.replace(paths, signal_names=names)


class Index:
    """Weekly sales on the S&P 500, each option a path of its own, with everything known at each close beside it."""

    def __init__(self, folder: Path) -> None:
        self.prices = folder / "vol_indices" / "SPX_daily.csv"
        self.vix = folder / "vol_indices" / "VIX.csv"
        self.reading = read_prices(self.prices, implied=self.vix)
        self.record = self.reading.record
        assert self.record.price is not None
        assert self.record.implied is not None
        self.price, self.implied = self.record.price, self.record.implied

    def sample(
        self,
        start: str,
        end: str,
        signals: dict[str, np.ndarray],
        implied: np.ndarray | None = None,
        *,
        puts: bool = True,
    ) -> Sample:
        """Options sold from `start` that expire by `end`; `signals` and `implied` are series over the record."""
        record = self.record
        first, last = (int(np.searchsorted(record.dates, np.datetime64(day))) for day in (start, end))
        self.at = np.arange(first, last - SESSIONS, 5)
        rows = self.at[:, None] + np.arange(SESSIONS + 1)
        spot = self.price[rows] / self.price[self.at][:, None]
        seen = np.stack([series[rows] for series in signals.values()], axis=-1) if signals else None
        paths = market_paths(
            spot=jnp.asarray(spot),
            dt=jnp.full(SESSIONS, 1 / 252),
            volatility=jnp.asarray((self.implied if implied is None else implied)[rows]),
            signals=None if seen is None else jnp.asarray(np.nan_to_num(seen)),
            signal_names=tuple(signals),
        )
        ones = np.ones((len(rows), 1))
        side = np.where((np.arange(len(rows)) % 2 == 0) | (not puts), 1.0, -1.0)[:, None]
        book = EuropeanBook(
            strike=jnp.asarray(ones),
            sign=jnp.asarray(side),
            expiry=jnp.full(ones.shape, SESSIONS, jnp.int32),
            quantity=-jnp.asarray(ones),
        )
        width = self.implied[self.at] * np.sqrt(SESSIONS / 252)
        premium = jnp.asarray(2 * jax.scipy.special.ndtr(jnp.asarray(width / 2)) - 1)
        return Sample(paths, book, premium)

    @property
    def quarters(self) -> np.ndarray:
        """Of each sale."""
        return self.record.dates[self.at].astype("datetime64[M]").astype(int) // 3

    def ratio(self, forecaster: Forecaster) -> np.ndarray:
        """log(forecast / implied) of 22 sessions over the record."""
        return np.log(forecaster.volatility(self.record.dates, SESSIONS) / self.implied)


TERMS = Terms(margined=(False,), costs=(ProportionalCost(jnp.asarray(COST)),))


def spx(folder: Path) -> None:
    """Deltas at forecasts, and bands that tighten."""
    index = Index(folder)
    made = forecasters(index.reading, "2006-01-01", "S&P 500")
    signals = {model: index.ratio(forecaster) for model, forecaster in made.items()}
    signals["spike"] = spike_signal(index)
    sample = index.sample("2006-01-01", "2018-12-31", signals)
    quarters = index.quarters
    policies: dict[str, AbstractPolicy] = {"delta at implied": BlackScholesDelta()}
    policies |= {f"delta at {made[model].label}": ForecastDelta(signal=model) for model in made}
    policies["delta half way to the hybrid"] = ForecastDelta(0.5, signal="hybrid")
    show("S&P 500 2006–2018, deltas", policies, sample, TERMS, quarters)
    spx_bands(sample, quarters)


def spx_bands(sample: Sample, quarters: np.ndarray) -> None:
    """Bands that tighten with the alarm, each against a constant band that costs as much."""
    cost, aversion = jnp.asarray(COST), jnp.asarray(20.0)
    plain = WhalleyWilmott(cost, aversion)
    show("bands", {"Whalley–Wilmott band": plain, "delta, no band": BlackScholesDelta()}, sample, TERMS, quarters)
    for tighten in (0.5, 1.0):
        own = TightenedBand(cost, aversion, jnp.asarray(tighten), "spike")
        paid = float(assess({"own": own}, sample, TERMS)["own"].cost.mean())
        low, high, width, same = 0.05, 1.0, 1.0, plain
        for _ in range(12):  # the width, a share of the plain one, at which a constant band costs as much
            width = 0.5 * (low + high)
            same = WhalleyWilmott(cost, aversion / width**3)
            dearer = float(assess({"same": same}, sample, TERMS)["same"].cost.mean()) > paid
            low, high = (width, high) if dearer else (low, width)
        pair: dict[str, AbstractPolicy] = {f"constant band, {width:.2f} as wide": same}
        pair |= {f"tightened by {tighten:g} × alarm": own, "Whalley–Wilmott band": plain}
        show("bands of one cost", pair, sample, TERMS, quarters)


def markets(folder: Path, objective: str) -> None:
    """Networks learned on markets calibrated until 2005, judged on what came."""
    index = Index(folder)
    made = forecasters(index.reading, "2006-01-01", "S&P 500", ("gjr_t",))
    filtered = index.implied * np.exp(index.ratio(made["gjr_t"]))
    span, known = ("2006-01-01", "2018-12-31"), np.where(np.isfinite(filtered), filtered, 0.2)
    sample, at_filter = index.sample(*span, {}, puts=False), index.sample(*span, {}, known, puts=False)
    learned: dict[str, AbstractPolicy] = {"delta at implied": BlackScholesDelta()}
    learned |= {f"network learned on {model}": network_of(index, model, objective) for model in MARKETS}
    show("networks that see the implied volatility", learned, sample, TERMS, index.quarters)
    learned = {name.replace("implied", "the GARCH filter"): policy for name, policy in learned.items()}
    show("networks that see the GARCH filter, against the delta at it", learned, at_filter, TERMS, index.quarters)


def network_of(index: Index, model: str, objective: str) -> AbstractPolicy:
    """A bounded correction of the delta, learned on a market calibrated until 2005 whose volatility each path draws."""
    if model == "black_scholes":
        market: dict[str, Any] = {"model": "black_scholes", "volatility": 0.18}
        spreads = {"volatility": 0.4}
    else:
        found = calibrate_prices(index.prices, model=model, implied=index.vix, until="2005-12-31", out=None)
        market = found["market"]
        spreads = {"garch": {"volatility": 0.4}, "heston": {"initial_variance": 0.8}}.get(model, {})
    config = {
        "market": {"model": "uncertain", "of": market, "spreads": spreads} if spreads else market,
        "contract": {"kind": "european_call", "strike": 1.0, "days": SESSIONS},
        "grid": {"steps": SESSIONS, "day_count": 252},
        "costs": {"proportional": COST},
        "risk": {"measure": "cvar", "level": 0.95},
        "policy": {"kind": "delta_residual", "hidden": [16, 16],
                   "features": ["standardised_moneyness", "sqrt_time_to_maturity", "volatility", "delta"],
                   "objective": objective},
        "training": {"updates": 400, "paths": 2048, "validation_paths": 4096},
        "evaluate": {"paths": 4096, "against": ["no_hedge", "black_scholes_delta"]},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "hedge.yaml"
        place.write_text(yaml.safe_dump(config))
        run = hedge(place, out=Path(name) / "run")
        return load_policy(run.folder.policies, "delta_residual", run.config)


def spike_signal(index: Index) -> np.ndarray:
    """The alarm of `tenrec vol spikes` for the VIX: 0 in the calmer half of days so far, 1 on the most dangerous."""
    probability = spike_probability(index.record, IMPLIED_SPIKE, start=LEARN).probability
    alarm = np.full(len(probability), np.nan)
    for day in range(LEARN, len(probability)):
        alarm[day] = np.clip(2 * np.mean(probability[LEARN : day + 1] <= probability[day]) - 1, 0, 1)
    return alarm


def trained(folder: Path, seeds: int = 6) -> None:
    """The same network by QLIKE and through the hedge: learned until 2003, kept by 2004–2005, judged on 2006–2018."""
    index = Index(folder)
    record = index.record
    monthly = np.sqrt(252 * np.convolve(record.variance, np.full(22, 1 / 22))[: len(record)])
    weekly = np.sqrt(252 * np.convolve(record.variance, np.full(5, 1 / 5))[: len(record)])
    fall = np.convolve(record.returns / index.implied, np.full(5, 1.0))[: len(record)]
    signals = {"month": np.log(monthly / index.implied), "week": np.log(weekly / index.implied), "fall": fall}
    features = ("month", "week", "fall", "volatility", "sqrt_time_to_maturity")
    parts = [index.sample(*span, signals) for span in (("1991-01-01", "2003-12-31"), ("2004-01-01", "2005-12-31"))]
    test = index.sample("2006-01-01", "2018-12-31", signals)
    learn, keep = parts
    settings = FitSettings(updates=300, per_dispatch=30, learning_rate=5e-3, average=0.9)
    keys, view = jax.random.split(jax.random.key(0), seeds), views(learn)

    def make(key: jax.Array) -> ForecastingDelta:
        return make_forecasting_delta(view, features=features, hidden=(8,), activation="tanh", key=key)

    found = {}
    for name, loss in (("QLIKE", qlike_loss), ("hedge: variance", variance_loss), ("hedge: CVaR", tail_loss)):
        state = start(eqx.filter_vmap(make)(keys), settings)
        losses = (
            eqx.Partial(lambda model, _, __, sample, loss=loss: loss(model, sample), sample=learn),
            eqx.Partial(lambda model, __, sample, loss=loss: loss(model, sample), sample=keep),
        )
        best = best_models(fit(state, *losses, settings))
        found[name] = [
            jax.tree.map(lambda leaf, n=n: leaf[n] if eqx.is_array(leaf) else leaf, best) for n in range(seeds)
        ]
    policies: dict[str, AbstractPolicy] = {"delta at implied": BlackScholesDelta()}
    policies |= {f"learned by {name}, seed {n}": one for name, own in found.items() for n, one in enumerate(own)}
    show("S&P 500 2006–2018, one forecaster learned in three ways", policies, test, TERMS, index.quarters)
    for name, own in found.items():
        print(f"QLIKE of {name:16s}" + " ".join(f"{float(qlike_loss(one, test)):.4f}" for one in own))


def qlike_loss(policy: ForecastingDelta, sample: Sample) -> jax.Array:
    """Mean y/f − log(y/f) − 1 of the variance left to each expiry, over all dates of all options."""
    view = views(sample)
    moves = jnp.diff(jnp.log(sample.paths.spot), axis=1) ** 2
    left = jnp.flip(jnp.cumsum(jnp.flip(moves, 1), axis=1), 1)
    ratio = left / (policy.forecast(view) ** 2 * view.time_to_maturity)
    ratio = jnp.maximum(ratio, 1e-4)[:, :-5]  # the last days' variance is one or two squares
    return jnp.mean(ratio - jnp.log(ratio) - 1.0)


def variance_loss(policy: AbstractPolicy, sample: Sample) -> jax.Array:
    """Variance of the final P&L, percent squared."""
    return 1e4 * jnp.var(assess({"it": policy}, sample, TERMS)["it"].pnl)


def tail_loss(policy: AbstractPolicy, sample: Sample) -> jax.Array:
    """CVaR 95 % of the loss, percent."""
    loss = -assess({"it": policy}, sample, TERMS)["it"].pnl
    return 100 * jnp.mean(jax.lax.top_k(loss, len(loss) // 20)[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["shanghai", "spx", "markets", "trained"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--objective", choices=["local", "terminal"], default="local", help="of the networks")
    given = parser.parse_args()
    print(busy())
    if given.part == "shanghai":
        shanghai()
        return
    if given.folder is None:
        parser.error(f"{given.part} needs FOLDER")
    if given.part == "markets":
        markets(given.folder, given.objective)
        return
    {"spx": spx, "trained": trained}[given.part](given.folder)


if __name__ == "__main__":
    pl.Config.set_tbl_rows(20)
    main()
