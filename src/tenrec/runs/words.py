"""A run in sentences: title, what was hedged, and what came out."""

from typing import Any

from tenrec.runs.build import assets_of, legs_of
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import EuropeanSpec, ListedSpec
from tenrec.runs.instrument_specs import words_of
from tenrec.runs.path_specs import HistorySpec, RecordedSpec

RISK_WORDS = {
    "entropic": "entropic risk",
    "cvar": "expected shortfall",
    "quadratic": "root mean squared loss",
    "mean_variance": "mean–variance risk",
    "mean_std": "mean plus deviations",
    "quadratic_cvar": "quadratic CVaR",
    "semi_quadratic": "root mean squared positive loss",
    "power": "norm of the losses",
    "expectile": "expectile of the loss",
    "spectral": "spectral risk",
    "worst_case": "worst loss",
}
MARKET_WORDS = {
    "arrays": "given price paths",
    "black_scholes": "Black–Scholes paths",
    "bootstrap": "paths resampled from a recorded series",
    "heston": "Heston paths",
    "merton": "Merton paths",
    "kou": "Kou paths",
    "bates": "Bates paths",
    "sabr": "SABR paths",
    "rough_bergomi": "rough Bergomi paths",
    "garch": "GARCH paths",
    "regimes": "regime-switching paths",
    "basket": "correlated paths",
    "uncertain": "paths of uncertain parameters",
    "history": "recorded days of an index",
    "recorded": "recorded Shanghai 50ETF options",
}


def title_of(config: HedgeConfig, metrics: dict[str, Any]) -> str:
    """The report's headline."""
    label = metrics["policies"][metrics["learned"]]["label"]
    return f"{label} on {MARKET_WORDS[config.market.model]}"


def subtitle_of(config: HedgeConfig, metrics: dict[str, Any]) -> str:
    """One sentence on what was hedged."""
    cost = _cost_words(config)
    if isinstance(config.contract, ListedSpec) and isinstance(config.market, RecordedSpec):
        side = "Sold" if config.contract.quantity < 0 else "Held"
        return (
            f"{side} listed options, {config.contract.days[0]}–{config.contract.days[1]} days to expiry when entered, "
            f"hedged daily at the close in the forward of their expiry at {cost}; learned on contracts that ended by "
            f"{config.market.train_until}, judged on {metrics['paths']} contracts of {metrics['clusters']} expiries "
            f"entered after {config.market.validate_until}."
        )
    legs = legs_of(config)
    first = legs[0]
    side = "sold" if first.quantity < 0 else "held"
    what = f"a {side} {first.kind.replace('_', ' ')} {_terms_of(first)}, {first.days:g} days"
    if len(legs) > 1:
        what = f"a book of {len(legs)} options"
    instruments = " and a ".join(instrument_names(config)[: len(config.instruments)])
    if isinstance(config.market, HistorySpec):
        return (
            f"Hedging {what} in the {instruments} at every close at {cost}; learned on sales that ended by "
            f"{config.market.train_until}, judged by {RISK_WORDS[config.risk.measure]} on {metrics['paths']:,} later "
            f"ones in {metrics['clusters']} quarters."
        )
    return (
        f"Hedging {what} in the {instruments} over {config.grid.steps} dates at {cost}, judged by "
        f"{RISK_WORDS[config.risk.measure]} on {metrics['paths']:,} common paths."
    )


def instrument_names(config: HedgeConfig) -> list[str]:
    """What each hedging instrument is called; a basket has the spot of every asset."""
    options = iter(config.options)
    names = [next(options).words if name == "option" else words_of(name) for name in config.instruments]
    return names + [f"spot of asset {place}" for place in range(2, assets_of(config) + 1)]


def findings(config: HedgeConfig, metrics: dict[str, Any]) -> tuple[str, ...]:
    """What came out, a sentence each, with intervals."""
    learned, reference = metrics["learned"], metrics["reference"]
    entry, against = metrics["policies"][learned], metrics["policies"][reference]
    sentences = []
    std, tail = entry["ratio"]["std"], entry["ratio"]["cvar95"]
    if metrics["kind"] == "recorded":
        sentences.append(
            f"{entry['label']}: standard deviation {_interval(std)} and CVaR 95 % {_interval(tail)} of the "
            f"{against['label']} ({entry['std_bp']['value']:.0f} against {against['std_bp']['value']:.0f} bp, "
            f"{entry['cvar95_bp']['value']:.0f} against {against['cvar95_bp']['value']:.0f} bp), after costs of "
            f"{entry['cost_bp']:.1f} bp; intervals resample whole expiries."
        )
        sentences.append(_extremes(metrics))
        sentences.append(_choice(metrics))
        return (*sentences, *signal_sentences(metrics))
    difference = entry["difference_bp"]
    word = "below" if difference["high"] < 0 else "above" if difference["low"] > 0 else "different from"
    near = (difference["low"], difference["value"], difference["high"])
    if difference["high"] < 0:
        near = (-difference["high"], -difference["value"], -difference["low"])
    sentences.append(
        f"{entry['label']} reaches {RISK_WORDS[config.risk.measure]} {entry['risk_bp']['value']:.2f} bp, {word} "
        f"{against['label']} by {near[1]:.2f} bp [{near[0]:.2f}, {near[2]:.2f}]."
    )
    if "margin" in entry:
        calls = entry["margin"]
        sentences.append(
            f"The account of the {entry['label']} falls below its maintenance margin on {calls['called']:.2%} of the "
            f"paths, at worst by {calls['worst_shortfall']:.4g}."
        )
    optimum = metrics["optimum"]
    if optimum is not None and learned in optimum["policies"]:
        gap = optimum["policies"][learned]["gap_bp"]
        sentences.append(
            f"The exact optimum is {optimum['optimum_bp']:.4f} bp (± {optimum['numerical_error_bp']:.1e}); "
            f"{entry['label']} is {gap:.3f} bp away from it, {against['label']} "
            f"{optimum['policies'].get(reference, {}).get('gap_bp', float('nan')):.2f} bp."
        )
    return tuple(sentences)


def signal_sentences(metrics: dict[str, Any]) -> list[str]:
    """What files told the hedgers of a recorded run at each close, and on how many closes they were silent."""
    found, made = [], metrics.get("forecaster")
    if made is not None:
        found.append(
            f"Forecasts of {made['model']} ({made['prices']}) are known from {made['first']} on, on "
            f"{made['share']:.0%} of the closes; before, the implied volatility stands."
        )
    for name, told in metrics.get("signals", {}).items():
        place = told["file"] if told["column"] is None else f"{told['file']}, {told['column']}"
        lag = "" if not told["lag"] else f", {told['lag']} calendar days after its date"
        found.append(
            f"{name} ({place}) is known from {told['first']} on{lag}, on {told['share']:.0%} of the closes; where it "
            "is not it is taken as 0."
        )
    return found


def _cost_words(config: HedgeConfig) -> str:
    """Costs, limits and settlement in words."""
    costs, settled = config.costs, {"inverse": ", settled in coin", "margined": "", "funded": ""}[config.settled]
    others = [name.replace("_", " ") for name in costs.beyond_proportional]
    if config.limits.any:
        others.append("limits")
    rest = f" with {', '.join(others)}" if others else ""
    return f"{costs.linear * 1e4:g} bp of the traded value{rest}{settled}"


def _terms_of(leg: EuropeanSpec) -> str:
    """Strike, barrier and cash in words."""
    without = leg.kind.startswith(("one_touch", "floating", "cliquet", "custom", "exchange"))
    words = [] if without else [f"struck at {leg.strike:g}"]
    words += [] if leg.name is None else [leg.name]
    words += [] if leg.barrier is None else [f"barrier at {leg.barrier:g}"]
    words += [] if leg.cash is None else [f"paying {leg.cash:g}"]
    return ", ".join(words)


def curves_note(config: HedgeConfig) -> str:
    """In which state of the market the hedge curves of the report are drawn."""
    if isinstance(config.market, RecordedSpec):
        return "Drawn after a rise of one implied standard deviation over five and over twenty days; a fall mirrors it."
    return ""


def _extremes(metrics: dict[str, Any]) -> str:
    left = metrics["without_largest_days"]
    days = " and ".join(left["days"])
    return (
        f"Few days make the difference: without the P&L of {days} the ratios are {_interval(left['std'])} and "
        f"{_interval(left['cvar95'])}."
    )


def _choice(metrics: dict[str, Any]) -> str:
    validation = metrics["validation"]
    years = [fold for fold in validation["folds"] if fold.isdigit()]
    chosen = validation["candidates"][validation["chosen"]]
    others = len(validation["candidates"]) - 1
    among = f" among {others + 1} learned policies" if others else ""
    return (
        f"Chosen{among} by forward validation over {years[0]}–{years[-1]}, where its pooled ratios were "
        f"{chosen['pooled std']:.2f} (standard deviation) and {chosen['pooled CVaR95']:.2f} (CVaR 95 %)."
    )


def _interval(value: dict[str, float]) -> str:
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
