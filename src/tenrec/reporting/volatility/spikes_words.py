"""What a watch for spikes found, and where volatility stands today, in sentences."""

import math
from typing import Any

from tenrec.reporting.text import number

SHORT = {"variance": "variance spike", "implied": "implied-volatility spike"}
STRONGEST = 3
"""Reasons that are said."""


def spike_findings(metrics: dict[str, Any]) -> list[str]:
    """For each event: today's state with its reasons, and what the probabilities were worth."""
    said = []
    for judged in metrics["events"].values():
        said += [today(judged), worth(judged)]
    return said


def today(judged: dict[str, Any]) -> str:
    """The last close's probability, how unusual it is, and why."""
    now, base = judged["now"], judged["now"]["climatology"]
    ratio = now["probability"] / base
    size = "about as often as usual" if 0.8 <= ratio <= 1.25 else f"{number(ratio, 1)} times the usual {base:.0%}"
    said = f"After {now['date']}, {now['probability']:.0%} that {judged['event']['sentence']}: {size}"
    said += f", higher than after {now['above']:.0%} of the days before"
    up = [reason for reason in now["reasons"] if reason["log_odds"] > 0.05][:STRONGEST]
    down = [reason for reason in now["reasons"] if reason["log_odds"] < -0.05][:STRONGEST]
    parts = [f"{word} by {_listed(group)}" for word, group in (("raised", up), ("lowered", down)) if group]
    return f"{said}; {', '.join(parts)}." if parts else f"{said}."


def _listed(reasons: list[dict[str, Any]]) -> str:
    return ", ".join(f"{reason['label']} (odds × {number(math.exp(reason['log_odds']), 2)})" for reason in reasons)


def worth(judged: dict[str, Any]) -> str:
    """Whether it can be told from climatology and from the level, in one sentence."""
    own, level = judged["models"]["logit"], judged["models"]["level"]
    area, skill = own["auc"], own["brier_skill"]
    said = f"{SHORT[judged['event']['measure']].capitalize()}s, {judged['from']} to {judged['to']}: "
    said += f"area under the curve {_spread(area, 3)}, Brier skill against climatology {_spread(skill, 3)}"
    if skill["low"] is not None and skill["low"] > 0:
        verdict = "better than climatology beyond chance"
    elif skill["value"] > 0:
        verdict = "not told from climatology with 95 % confidence"
    else:
        verdict = "no better than climatology"
    return f"{said}: {verdict}; a logit on the volatility’s level alone reaches {number(level['auc']['value'], 3)}."


def _spread(entry: dict[str, Any], decimals: int) -> str:
    text = number(entry["value"], decimals)
    if entry["low"] is None:
        return text
    return f"{text} [{number(entry['low'], decimals)}, {number(entry['high'], decimals)}]"
