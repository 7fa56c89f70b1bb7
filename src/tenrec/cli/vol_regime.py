"""`tenrec vol regime`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class RegimeLaw(StrEnum):
    """Law of a return within a regime."""

    t = "t"
    normal = "normal"


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command()(regime)


def regime(
    prices: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PRICES]",
            help="Daily closes or bars, intraday bars, or realised measures; without it, the bundled Shanghai 50ETF.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder (default runs/vol_regime_NAME).")
    ] = None,
    implied: Annotated[
        Path | None, typer.Option("--implied", "--vix", metavar="FILE", help="Daily implied volatility, e.g. the VIX.")
    ] = None,
    signals: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="FILE[:A,B]", help="More daily series whose moves may be unusual."),
    ] = None,
    regimes: Annotated[
        int | None, typer.Option("--regimes", min=1, max=8, help="Their number; default by BIC on the first part.")
    ] = None,
    law: Annotated[RegimeLaw, typer.Option("--law", help="Law of a return within a regime.")] = RegimeLaw.t,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day filtered; default after a third.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the searches' starts.")] = 0,
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="Sampling interval of intraday bars.")] = 5.0,
    night: Annotated[bool, typer.Option("--night/--no-night", help="Add the squared night to intraday days.")] = False,
    session: Annotated[
        str | None, typer.Option("--session", metavar="HH:MM-HH:MM", help="Keep these bars, in the file's own times.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE.parquet", help="Write what a hedge may see of it, for market.signals."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
    ] = False,
) -> None:
    """Regimes of volatility with probabilities and durations, changes between them, and the most unusual days.

    Probabilities are filtered: each day's uses that day and those before, with a chain fitted on the past alone.

    Examples: `tenrec vol regime` · `tenrec vol regime spx.csv --vix vix.csv --regimes 3 --from 2000-01-01`

    `tenrec vol regime --save regimes.parquet` writes what a hedge may see: `tenrec hedge --set
    market.signals.regime_volatility=regimes.parquet:regime_volatility`, and regime_volatility in policy.features.
    """
    from tenrec.cli.show import reporting
    from tenrec.cli.show_regime import show_regime
    from tenrec.runs.vol.regime import find_regimes

    with reporting(quiet=as_json) as reporter:
        metrics = find_regimes(
            prices,
            out=out,
            implied=implied,
            signals=signals or (),
            regimes=regimes,
            law=law.value,
            since=since,
            seed=seed,
            minutes=minutes,
            overnight="add" if night else "leave",
            session=session,
            reporter=reporter,
            save=save,
        )
    show_regime(metrics, as_json=as_json)
