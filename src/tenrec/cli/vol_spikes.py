"""`tenrec vol spikes`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command()(spikes)


def spikes(
    prices: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PRICES]",
            help="Daily closes or bars, intraday bars, or realised measures; without it, the bundled Shanghai 50ETF.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder (default runs/vol_spikes_NAME).")
    ] = None,
    implied: Annotated[
        Path | None, typer.Option("--implied", "--vix", metavar="FILE", help="Daily implied volatility, e.g. the VIX.")
    ] = None,
    signals: Annotated[
        list[str] | None,
        typer.Option(
            "--also", metavar="FILE[:A,B]", help="More daily series (VIX3M, VVIX, futures); A,B keeps those columns."
        ),
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", min=1, max=66, help="Days ahead.")] = 5,
    variance_factor: Annotated[
        float, typer.Option("--variance-factor", help="Spike: a day’s variance over the mean of 22 days.")
    ] = 2.5,
    implied_factor: Annotated[
        float, typer.Option("--implied-factor", help="Spike: an implied volatility over today’s.")
    ] = 1.2,
    alarm: Annotated[
        float | None, typer.Option("--alarm", min=0.0, max=1.0, help="Count alarms at this probability too.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day forecast; default after a third.")
    ] = None,
    judge_from: Annotated[
        str | None, typer.Option("--judge-from", metavar="DATE", help="Score only days from here on.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=0, max=50, help="Networks of the rival; 0 leaves it out.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
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
    """Probability that volatility jumps over the next days, why, and how far such warnings could be trusted.

    Walks forward: each day's probability is learned from earlier days alone. Two events are watched: a day's variance
    above 2.5 times its month's mean, and (with --vix) an implied volatility 1.2 times above today's.

    Examples: `tenrec vol spikes` · `tenrec vol spikes spx.csv --vix vix.csv --from 2006-01-01 --also vix3m.csv`

    `tenrec vol spikes --save spikes.parquet` writes what a hedge may see: `tenrec hedge --set
    market.signals.spike_probability=spikes.parquet:variance_spike_probability`, with spike_probability in
    policy.features.
    """
    from tenrec.cli.show import reporting
    from tenrec.cli.show_spikes import show_spikes
    from tenrec.runs.vol.spikes import watch_spikes

    with reporting(quiet=as_json) as reporter:
        metrics = watch_spikes(
            prices,
            out=out,
            implied=implied,
            signals=signals or (),
            horizon=horizon,
            variance_factor=variance_factor,
            implied_factor=implied_factor,
            alarm=alarm,
            since=since,
            judge_from=judge_from,
            seeds=seeds,
            seed=seed,
            minutes=minutes,
            overnight="add" if night else "leave",
            session=session,
            reporter=reporter,
            save=save,
        )
    show_spikes(metrics, as_json=as_json)
