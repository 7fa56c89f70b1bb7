"""Findings and recommendations in words, from the numbers of a tuning run."""

import re
from typing import Any

from tenrec.runs.tuning.config import GeneratedSpec, TuneConfig
from tenrec.tuning.rivals import clock

FEW_WEEKS = 5
"""Later weeks below which an interval that resamples them says little."""


def usd(value: float) -> str:
    """An amount of the quote currency without its cents.

    Example:
        >>> usd(-1234.5), usd(0.2)
        ('−1,234', '0')
    """
    text = f"{abs(value):,.0f}"
    return f"−{text}" if value < 0 and text != "0" else text


def counted(number: int, thing: str) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "week"), counted(2, "later one")
        ('1 week', '2 later ones')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def title_of(config: TuneConfig) -> str:
    """The headline."""
    kind = "short-gamma" if _short(config) else "options"
    return f"Tuned hedge of a {kind} {config.book.underlying} book"


def _short(config: TuneConfig) -> bool:
    greeks = config.book.greeks
    return greeks.gamma < 0 if greeks is not None else all(leg.quantity < 0 for leg in config.book.legs)


def subtitle_of(config: TuneConfig, metrics: dict[str, Any]) -> str:
    """What was tuned, on what."""
    market, windows = metrics["market"], metrics["windows"]
    kind = "generated" if isinstance(config.ticks, GeneratedSpec) else "recorded"
    inside, later = windows["in_sample"], windows["out_of_sample"]
    weeks = f"{counted(inside, 'week')} tuned on, {counted(later, 'later one')} kept for the report"
    book = f"{config.book.notional:,.0f} USD notional, {config.book.settlement} hedge"
    return f"{book}, {market['ticks']:,} {kind} ticks; {weeks}."


def findings(metrics: dict[str, Any]) -> tuple[str, ...]:
    """The sentences at the top of the report."""
    tuned, default = metrics["comparison"]["tuned"], metrics["comparison"]["default"]
    outside = tuned["out_of_sample"] is not None
    sample = "out_of_sample" if outside else "in_sample"
    where = "Out of sample" if outside else "In sample (no later weeks were kept)"
    now, before = tuned[sample], default[sample]
    told = [
        f"{where}, the tuned rule scores {now['score']:,.2f} against {before['score']:,.2f} of the default rule: "
        f"{usd(now['net_pnl'])} USD a week against {usd(before['net_pnl'])}, at a cost of {usd(now['cost'])} against "
        f"{usd(before['cost'])} and {now['hedges']:,.0f} hedges against {before['hedges']:,.0f}.",
        verdict(metrics),
        *against_others(metrics, sample),
        *against_no_hedge(metrics, sample),
    ]
    told += [*forward_words(metrics), *gap_words(metrics)]
    odds = metrics["overfitting"]["probability_of_overfitting"]
    luck = metrics["overfitting"]
    told.append(
        f"The deflated Sharpe ratio is {luck['deflated_sharpe']:.2f}: the probability that the tuned Sharpe ratio is "
        f"more than the best of {luck['sets_tried']:,} worthless sets would show."
        + (f" The probability of backtest overfitting is {odds:.2f}." if odds is not None else "")
    )
    about = metrics["market"]["about"]
    told.append("Ticks: " + "; ".join(f"{name} {source}" for name, source in about.items()) + ".")
    return tuple(re.sub(r"(?<![\w–])-(?=\d)", "−", sentence) for sentence in told)


def forward_words(metrics: dict[str, Any]) -> list[str]:
    """What re-tuning before each later week would have made."""
    forward = metrics["walk_forward"]
    if forward is None:
        return []
    return [
        f"Re-tuned before each later week on all weeks before it, the rule makes {usd(forward['retuned'])} USD a week, "
        f"tuned once {usd(forward['once'])}."
    ]


def gap_words(metrics: dict[str, Any]) -> list[str]:
    """Where the record has gaps in which the rule would have hedged, or is too coarse for cadences of the search."""
    market, told = metrics["market"], []
    if market["long_gaps"] is not None:
        told.append(
            f"{market['long_gaps']}: the last price stood there, and nothing was hedged ({market['gaps']:,} ticks are "
            "missing in all)."
        )
    if market["too_short"]:
        short = ", ".join(clock(seconds) for seconds in market["too_short"])
        told.append(
            f"Cadences of {short} were left out of the search: the ticks are {clock(market['spacing_seconds'])} apart."
        )
    return told


def verdict(metrics: dict[str, Any]) -> str:
    """Whether the tuned set is better than the default."""
    difference = metrics["tuned_minus_default"]
    interval = (
        f"{difference['value']:+,.2f} in score, 95 % interval [{difference['low']:+,.2f}, {difference['high']:+,.2f}]"
    )
    if metrics["comparison"]["tuned"]["out_of_sample"] is None:
        return f"Without later weeks nothing says that the advantage ({interval}) will last."
    later = metrics["windows"]["out_of_sample"]
    if later < FEW_WEEKS:
        interval += f"; {counted(later, 'later week')} cannot tell skill from luck"
    if difference["low"] > 0:
        return f"The tuned set is better than the default out of sample ({interval})."
    if difference["value"] > 0:
        return f"Out of sample the tuned set is not reliably better than the default ({interval})."
    return f"The tuned set is no better than the default out of sample ({interval}); keep the default."


def against_others(metrics: dict[str, Any], sample: str) -> list[str]:
    """How the tuned set stands beside fixed cadences, Whalley–Wilmott and the network."""
    entries = metrics["comparison"]
    score = entries["tuned"][sample]["score"]
    rivals = {key: entry for key, entry in entries.items() if key not in ("tuned", "default", "no_hedge")}
    if not rivals:
        return []
    best = max(rivals.values(), key=lambda entry: entry[sample]["score"])
    seeds = [run[sample] for run in metrics["network_seeds"]]
    spread = ""
    if len(seeds) > 1:
        spread = f" The {len(seeds)} seeds of the network score {min(seeds):,.2f} to {max(seeds):,.2f}."
    if score > best[sample]["score"]:
        top = f"{best['label']} with {best[sample]['score']:,.2f}"
        return [f"It scores above every fixed cadence, band and network; the best of them is {top}.{spread}"]
    ahead = [entry for entry in rivals.values() if entry[sample]["score"] >= score]
    named = ", ".join(f"{entry['label']} ({entry[sample]['score']:,.2f})" for entry in ahead)
    return [f"It does not beat {named}.{spread}"]


def against_no_hedge(metrics: dict[str, Any], sample: str) -> list[str]:
    """That the hedge does not pay for itself by this score, where it does not, and what it buys instead."""
    tuned, idle = (metrics["comparison"][key][sample] for key in ("tuned", "no_hedge"))
    if tuned["score"] > idle["score"]:
        return []
    lowers = tuned["error_std"] < idle["error_std"]
    bought = "what it buys is" if lowers else "nor does it buy"
    return [
        f"No hedge at all scores {idle['score']:,.2f}, above the tuned rule: by this score the hedge does not pay for "
        f"itself; {bought} a lower standard deviation of a week's P&L before costs ({usd(tuned['error_std'])} against "
        f"{usd(idle['error_std'])} USD)."
    ]


def recommendations(config: TuneConfig, metrics: dict[str, Any]) -> dict[str, str]:
    """Heading → sentence: timing, sizing, gamma scalping, costs, risk, and when to tune again."""
    rule, market = metrics["rule"], metrics["market"]
    tuned = metrics["comparison"]["tuned"]
    judged = tuned["out_of_sample"] or tuned["in_sample"]
    notional = config.book.notional
    cadence, threshold = rule["cadence_seconds"], rule["delta_threshold"]
    both = config.rule.trigger == "both"
    units = threshold * notional / market["price"][0]
    reached = judged["mean_abs_delta"] * market["price"][0] / notional
    timing = (
        f"Look every {clock(cadence)}{' and hedge only' if both else ', and at once'} when net delta leaves "
        f"{threshold:.0%} of notional (about {units:,.2f} {config.book.underlying}); on average it was "
        f"{reached:.1%}."
    )
    sizing = (
        f"Trade towards {rule['hedge_ratio']:.0%} of the delta, at most {rule['max_hedge_per_interval']:.0%} "
        f"of notional ({usd(rule['max_hedge_per_interval'] * notional)} USD) in one hedge."
    )
    share = (metrics["importance"] or {"alone": {}})["alone"].get("gamma_scalp_threshold")
    scalp = (
        f"Hedge back fully once ½·|Γ|·ΔS² since the last hedge passes {rule['gamma_scalp_threshold']:.1%} of notional "
        f"({usd(rule['gamma_scalp_threshold'] * notional)} USD)."
    )
    if share is not None and share < 0.01:
        scalp += " On these ticks the threshold explains less than 1 % of the score: it is rarely or never reached."
    rate = 100.0 * judged["cost"] / max(judged["turnover"], 1e-9) * 100.0
    costs = (
        f"Expect about {judged['hedges']:,.0f} hedges and {usd(judged['cost'])} USD of costs a week, {rate:.1f} bp of "
        f"{judged['turnover'] / 1e6:,.2f} M USD traded."
    )
    risk = (
        f"A week's net P&L averaged {usd(judged['net_pnl'])} USD with a standard deviation of "
        f"{usd(judged['net_std'])}; the mean largest drawdown of a week was {usd(judged['max_drawdown'])} USD, "
        f"the worst {usd(judged['worst_drawdown'])}; the worst 5 % of the hours lost "
        f"{usd(judged['cvar95_hourly'])} USD on average."
    )
    calm, wild = market["volatility"]
    again = (
        f"Monthly with fresh data, after a change of regime (volatility outside the {calm:.0%} to {wild:.0%} of these "
        f"ticks), and when the position's size changes much from {usd(notional)} USD."
    )
    return {
        "Hedge timing": timing,
        "Sizing": sizing,
        "Gamma scalping": scalp,
        "Costs and hedges a week": costs,
        "Risk profile": risk,
        "When to tune again": again,
    }
