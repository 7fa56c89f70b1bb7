"""What parts of a configuration do not go together, each refused in one sentence."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, get_args

from tenrec.runs.policy_specs import Baseline, PolicySpec

if TYPE_CHECKING:
    from tenrec.runs.config import HedgeConfig

FAR = (0.1, 10.0)
"""Shares of the spot between which a strike may lie; beyond, an option is the underlying, or worth nothing."""
PRICED = ("black_scholes", "heston", "merton", "kou", "bates")
"""Markets that have option prices of their own."""


def refuse_names(learned: Sequence[PolicySpec]) -> None:
    """Learned policies that could not be told apart, or not from a baseline."""
    names = [spec.name or spec.kind for spec in learned]
    for name in names:
        if name in get_args(Baseline):
            raise ValueError(f"a learned policy is called {name!r}, which is a baseline's name; give it another name")
        if names.count(name) > 1:
            raise ValueError(
                f"{names.count(name)} learned policies are called {name!r}; give each a name of its own, as in "
                f"rivals: [{{kind: {learned[names.index(name)].kind}, name: another}}]"
            )


def refuse_forecasts_of_none(config: "HedgeConfig") -> None:
    """The delta at a forecast volatility where nothing forecasts."""
    if "forecast_delta" in config.evaluate.against and getattr(config.market, "forecaster", None) is None:
        raise ValueError(
            "evaluate.against names 'forecast_delta' and there is no market.forecaster; on a recorded panel give the "
            "file that `tenrec vol forecast --model hybrid --save FILE` writes"
        )


def refuse_signals(names: Iterable[str], taken: Iterable[str], key: str) -> None:
    """Signals under a name that something else goes by."""
    for name in names:
        if name in taken:
            raise ValueError(f"{key} names {name!r}, which is known already; give the file's column another name")


def refuse_ensembles_of_one(config: "HedgeConfig") -> None:
    """A mean over seeds where there is one seed."""
    for spec in (config.policy, *config.rivals):
        if spec.ensemble and config.training.seeds < 2:
            raise ValueError(
                f"policy {spec.name or spec.kind!r} is an ensemble and training.seeds is {config.training.seeds}; set "
                "training.seeds to 2 or more, or leave ensemble out"
            )


def refuse_terms(config: "HedgeConfig", *, recorded: bool) -> None:
    """Settlements, fees and margins that do not go with the market."""
    if config.settlement == "funded" and config.instruments[0] != "spot":
        raise ValueError(
            f"settlement is 'funded' and hedge_with is {list(config.instruments)}, which is not paid for; "
            "set settlement to margined, or hedge with the spot"
        )
    in_currency = [name for name in ("fixed", "minimum") if getattr(config.costs, name)]
    if recorded and (in_currency or config.settled == "inverse" or config.margin is not None):
        given = f"costs.{in_currency[0]}" if in_currency else "margin" if config.margin else "settlement: inverse"
        raise ValueError(
            f"{given} is given; contracts of a recorded panel are told in units of their forward, in which it has no "
            "meaning, so leave it out"
        )


def refuse_instruments(config: "HedgeConfig") -> None:
    """Instruments that the market does not have, or that the policy cannot trade."""
    first, *further = config.instruments
    swaps = further[:1] == ["variance_swap"]
    futures = further[swaps:][:1] == ["vix_future"]
    if first not in ("spot", "future", "forward") or set(further[swaps + futures :]) - {"option"}:
        raise ValueError(
            f"hedge_with is {list(config.instruments)}; one instrument on the underlying is needed, which a "
            "variance_swap may follow, then a vix_future, and then options, as in [spot, variance_swap, {option: "
            "{kind: call, days: 30}}]"
        )
    if config.costs.variance_swap is not None and not swaps:
        raise ValueError("costs.variance_swap is given; it needs hedge_with: [spot, variance_swap]")
    _refuse_without_options(config)
    if not further:
        return
    if swaps and config.market.model not in ("heston", "history"):
        raise ValueError(
            f"hedge_with names variance_swap and market.model is {config.market.model!r}; its price is known for "
            "heston and history, so set one of them or leave it out"
        )
    if futures and getattr(config.market, "futures", None) is None:
        raise ValueError(
            "hedge_with names vix_future and there is no market.futures; it is known for market.model history with "
            "futures: a table of DATE, VIX, VX1, VX2 …"
        )
    if config.options and config.market.model not in PRICED:
        raise ValueError(
            f"hedge_with names an option and market.model is {config.market.model!r}, which has no option prices of "
            f"its own; they are known for {', '.join(PRICED)}, so set one of these or leave the option out"
        )
    spot = float(getattr(config.market, "spot", 1.0))
    for option in config.options:
        if option.strike is not None and not FAR[0] <= option.strike / spot <= FAR[1]:
            raise ValueError(
                f"a listed option's strike is {option.strike:g} and market.spot is {spot:g}; a strike is a price, so "
                f"give one between {FAR[0] * spot:g} and {FAR[1] * spot:g}, or moneyness, its share of the spot"
            )
    kinds = [spec.kind for spec in (config.policy, *config.rivals) if spec.kind not in ("feed_forward", "custom")]
    if kinds:
        raise ValueError(f"policy.kind is {kinds[0]!r}; several instruments need a feed_forward, so set it")
    if config.settled == "inverse" or config.margin is not None:
        given = "margin" if config.margin else "settlement: inverse"
        raise ValueError(f"{given} is given and hedge_with names {further[0]}, which is paid for; leave one out")


def _refuse_without_options(config: "HedgeConfig") -> None:
    """Policies that hold options where none is listed, and static positions that do not fit the instruments."""
    held_on = config.options or (len(config.instruments) > 1 and config.market.model == "history")
    greeks = [name for name in ("delta_gamma", "delta_vega") if name in config.evaluate.against]
    static = [name for name in ("static", "static_delta") if name in config.evaluate.against]
    holding = greeks * (not config.options) + static * (not held_on)
    if holding:
        raise ValueError(
            f"evaluate.against names {holding[0]!r}, which holds listed options, and hedge_with is "
            f"{list(config.instruments)}; add one, as in [spot, {{option: {{kind: call, days: 30}}}}], or leave it out"
        )
    units = config.evaluate.static_units
    if units is not None and len(units) != len(config.hedge_with):
        raise ValueError(
            f"evaluate.static_units has {len(units)} numbers and hedge_with names {len(config.hedge_with)} "
            "instruments; give the units of each"
        )


def refuse_on_a_basket(config: "HedgeConfig") -> None:
    """What is made for one hedging instrument."""
    learned = (config.policy, *config.rivals)
    kinds = [spec.kind for spec in learned if spec.kind not in ("feed_forward", "custom")]
    rules = [name for name in config.evaluate.against if not name.startswith(("no_hedge", "black_scholes"))]
    if kinds:
        raise ValueError(f"policy.kind is {kinds[0]!r} and market.model 'basket'; several assets need a feed_forward")
    if rules:
        raise ValueError(
            f"evaluate.against names {rules[0]!r} and market.model is 'basket'; no_hedge and black_scholes_delta hedge "
            "several assets"
        )
    if config.settled != "funded":
        raise ValueError(f"settlement is {config.settled!r} and market.model 'basket', whose assets are funded")
    if config.instruments != ("spot",):
        raise ValueError("hedge_with is no spot and market.model is 'basket'; set [spot], that of every asset")
