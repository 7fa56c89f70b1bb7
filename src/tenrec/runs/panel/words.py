"""What a panel backtest found, in sentences."""

from typing import Any

from tenrec.reporting.text import number
from tenrec.runs.words import signal_sentences


def panel_findings(metrics: dict[str, Any]) -> list[str]:
    """The findings, each one sentence; intervals resample whole sessions, or expiries where contracts are held."""
    steps, labels, chosen = metrics["one_session"], metrics["labels"], metrics["learned"]
    found = []
    if chosen != metrics["reference"]:
        entry = steps["gains"][chosen]
        found.append(
            f"{labels[chosen]}, chosen by validation, has a gain of {spread(entry)} in squared one-session hedge error "
            f"over the Black–Scholes delta, on {steps['steps']:,} steps after its training ({steps['from']} to "
            f"{steps['to']})."
        )
        found.append(
            f"Without the sessions ending {' and '.join(steps['extremes'])} it is {without(entry)}; with the largest "
            f"percent of errors cut off {number(entry['winsorised'], 1)} %."
        )
        best = metrics["validation"]["gains"][chosen]
        found.append(f"On the validation sessions its gain was {number(best['pooled']['value'], 1)} %.")
    if steps["trained_until"] is None:
        found.append(
            f"{steps['sessions']} sessions are too few to learn from and to judge by: only deltas that learn nothing "
            "are compared, on all of them, and nothing is claimed."
        )
    over = steps["network_over_linear"]
    if over is not None:
        told = "adds" if over["low"] > 0 else "adds nothing that is sure" if over["high"] > 0 else "loses"
        found.append(f"Over the clipped linear rule the network {told}: {spread(over)}.")
    found += _wing(metrics, chosen)
    for name, placebo in steps["placebo"].items():
        if name == chosen:
            found.append(
                f"With the states of other sessions its gain is {number(placebo['mean'], 1)} % on average over "
                f"{placebo['shifts']} shifts, and at most {number(placebo['largest'], 1)} %."
            )
    held = metrics["to_expiry"]
    if held["contracts"]:
        found.append(_to_expiry(metrics, chosen))
    else:
        found.append(f"Nothing was hedged to its expiry: {held['why_none']}")
    return [*found, *metrics["notes"], *signal_sentences(metrics)]


def _wing(metrics: dict[str, Any], chosen: str) -> list[str]:
    """What the chosen delta does where no hedge at all may be the better one."""
    wing = metrics["one_session"]["wing"]
    if not wing or not wing["policies"][chosen]["over"]:
        return []
    own, labels = wing["policies"][chosen], metrics["labels"]
    told = " and ".join(
        f"{number(wing['policies'][other]['rms_bp'], 2)} bp with {labels[other]} (a gain of {spread(entry)})"
        for other, entry in own["over"].items()
    )
    return [
        f"In the wing, |δ| below 0.05, its errors have a root mean square of {number(own['rms_bp'], 2)} bp, against "
        f"{told}."
    ]


def _to_expiry(metrics: dict[str, Any], chosen: str) -> str:
    held = metrics["to_expiry"]
    verb = "sold" if held["quantity"] < 0 else "held"
    own, other = held["policies"][chosen], held["policies"][metrics["reference"]]
    contracts = f"To expiry, {held['contracts']:,} {verb} contracts of {held['expiries']} expiries end with a root mean"
    if chosen == metrics["reference"]:
        none = held["policies"].get("no_hedge")
        tail = f", {number(none['rms_bp'], 0)} bp without a hedge" if none else ""
        return f"{contracts} square of {number(own['rms_bp'], 0)} bp under the Black–Scholes delta{tail}, after costs."
    return (
        f"{contracts} square of {number(own['rms_bp'], 0)} bp against {number(other['rms_bp'], 0)} bp, a gain of "
        f"{spread(own['gain'])}, after costs."
    )


def spread(entry: dict[str, Any]) -> str:
    """A gain with its interval.

    Example:
        >>> spread({"value": 12.34, "low": -1.0, "high": 25.0})
        '12.3 % [−1.0, 25.0]'
    """
    return f"{number(entry['value'], 1)} % [{number(entry['low'], 1)}, {number(entry['high'], 1)}]"


def without(entry: dict[str, Any]) -> str:
    """The gain without the extremes, with its interval."""
    low, high = number(entry["without_low"], 1), number(entry["without_high"], 1)
    return f"{number(entry['without_extremes'], 1)} % [{low}, {high}]"
