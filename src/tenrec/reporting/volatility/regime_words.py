"""Where a market stands among its regimes, in sentences."""

from typing import Any

from tenrec.reporting.text import number


def regime_findings(metrics: dict[str, Any]) -> list[str]:
    """Today's state, the regimes, how their number was chosen, the last change, and how unusual the last day was."""
    found = metrics["found"]
    said = [_today(found), _regimes(found)]
    if found["choices"]:
        said.append(_number_of(found))
    if found["changes"]:
        said.append(_last_change(found))
    unusual = found["now"]["unusual"]
    if unusual is not None:
        said.append(f"The last day’s moves were more unusual than those of {unusual:.0%} of the days before.")
    return said


def _today(found: dict[str, Any]) -> str:
    now = found["now"]
    names = [regime["name"] for regime in found["regimes"]]
    place = names.index(now["regime"])
    said = f"After {now['date']} the market is {now['regime']} with {now['probabilities'][place]:.0%}"
    said += f", since {now['since']} ({now['days_in_it']:,} days; a stay lasts {number(now['duration'], 0)} on average)"
    said += f", and expects {now['volatility']:.1%} volatility a year"
    if len(names) > 1:
        said += f"; {names[-1]} in five days with {now['ahead']['5'][-1]:.0%}"
    return said + "."


def _regimes(found: dict[str, Any]) -> str:
    parts = [
        f"{regime['name']} {regime['volatility']:.1%} ({regime['share']:.0%} of the days)"
        for regime in found["regimes"]
    ]
    return f"Volatility a year by regime: {', '.join(parts)}."


def _number_of(found: dict[str, Any]) -> str:
    choices, count = found["choices"], len(found["regimes"])
    held = max(choices, key=lambda choice: choice["held_out"])["regimes"]
    whole = min(choices, key=lambda choice: choice["bic_all"])["regimes"]
    return (
        f"{count} have the lowest BIC on the days before the first filtered one; {held} would have described the days "
        f"since best, one day ahead, and the BIC of all days would take {whole}."
    )


def _last_change(found: dict[str, Any]) -> str:
    last, now = found["changes"][-1], found["now"]
    return (
        f"{len(found['changes'])} changes of the variance’s law were called; the last began {last['began']} and was "
        f"called {last['called']} (volatility {last['volatility_before']:.1%} before, {last['volatility_after']:.1%} "
        f"after). That another lies within the past month has probability {now['change_within_a_month']:.0%}."
    )
