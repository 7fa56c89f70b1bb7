"""`tenrec price`: a pricer from an option chain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenrec.core.errors import ConfigError

if TYPE_CHECKING:
    from tenrec.runs.dislocations import TradeRule


def price(
    chain: Annotated[
        Path | None, typer.Argument(metavar="[CHAIN]", help="CSV, Parquet, a folder of them, or a finished run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Run folder (default runs/<run id>).")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="ROLE=NAME", help="Which column plays which role.")
    ] = None,
    quote: Annotated[
        list[str] | None, typer.Option("--quote", metavar="NAME=VALUE", help="strike, days, kind, spot, volatility.")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="Day of a chain of many (default: the last).")] = None,
    underlying: Annotated[str | None, typer.Option("--underlying", help="Where the chain holds several.")] = None,
    style: Annotated[
        str | None, typer.Option("--style", help="european or american, where the file is silent.")
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Continuous interest where parity gives none.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the network.")] = 0,
    iterations: Annotated[int, typer.Option("--iterations", help="Most steps of the fit.")] = 500,
    trade: Annotated[
        int | None,
        typer.Option("--trade", metavar="DAYS", help="Trade each day's dislocations, close after DAYS recorded days."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="First entry day of --trade.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="Last entry day of --trade.")] = None,
    every: Annotated[int, typer.Option("--every", metavar="N", help="Every Nth entry day of --trade.")] = 1,
    top: Annotated[int, typer.Option("--top", metavar="N", help="Dislocations that --trade takes a day.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
    ] = False,
) -> None:
    """Fit an arbitrage-free neural pricer to an option chain; price and Greeks of any option.

    Of a file or folder of many days the last is fitted, --date picks another; --trade goes through all of them.

    Examples: `tenrec price` · `tenrec price chain.csv --quote strike=3000 --quote days=30` · `tenrec price runs/mine
    --quote strike=2800 --quote days=90 --quote kind=put` · `tenrec price panel.parquet --trade 5 --since 2021-01-01`
    """
    from tenrec.cli.show import reporting
    from tenrec.runs import price as work

    asked = pairs("--quote", quote)
    rule = _rule(trade, since, until, every, top)
    if chain is not None and work.is_price_run(chain):
        run = work.load_price_run(chain)
    else:
        source = work.bundled_chain() if chain is None else chain
        with reporting(quiet=as_json) as reporter:
            run = work.price(
                source, out=out, columns=pairs("--columns", columns), date=date, underlying=underlying, style=style,
                rate=rate, seed=seed, iterations=iterations, trading=rule, reporter=reporter,
            )  # fmt: skip
    american = "american" in run.metrics.get("style", "")
    answer = work.quote(run.pricer, asked, american=american) if asked else None
    _show(run, answer, as_json)


def _rule(trade: int | None, since: str | None, until: str | None, every: int, top: int) -> "TradeRule | None":
    from tenrec.runs.dislocations import TradeRule

    if trade is None:
        if since or until or every != 1 or top != 20:
            raise ConfigError("--since, --until, --every and --top say what --trade does; give --trade DAYS too.")
        return None
    return TradeRule(hold=trade, since=since, until=until, every=every, top=top)


def report_prices(path: Path, *, as_json: bool) -> None:
    """Write the report of a run of `tenrec price` again and show its figures."""
    from tenrec.runs.price import report_price

    _show(report_price(path), None, as_json)


def export_prices(path: Path, *, policy: str | None, out: Path | None, as_json: bool) -> None:
    """Write the pricer of a run as one file, and say how exact it is and how it is asked."""
    from tenrec.cli.show import show_document, terminal
    from tenrec.runs.export_pricer import export_pricer
    from tenrec.runs.price import load_price_run

    if policy is not None:
        raise ConfigError(f"--policy {policy}: a run of `tenrec price` holds a pricer and no policies; leave it out.")
    written = export_pricer(load_price_run(path), out=out)
    if as_json:
        show_document(written, as_json=True)
        return
    exact = ", ".join(f"{form} within {most:.1e}" for form, most in written["largest_difference"].items())
    lines = [f"Wrote {written['file']}: {exact} of the original on {written['states_checked']:,} random options."]
    lines += [f"Without ONNX: {written['onnx_left_out']}."] if written["onnx_left_out"] else []
    lines.append(f"Ask it: python {written['file']} --strike … --days … [--kind put]   (--help says more)")
    for line in lines:
        terminal().print(line, highlight=False, soft_wrap=True, markup=False)


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """{"name": "value"} of an option given as NAME=VALUE any number of times."""
    found = {}
    for text in given or ():
        name, mark, value = text.partition("=")
        if not mark or not name or not value:
            raise ConfigError(f"{option} is {text!r}; NAME=VALUE is needed.")
        found[name.strip()] = value.strip()
    return found


def _show(run: object, answer: dict[str, float] | None, as_json: bool) -> None:
    from tenrec.cli.show import show_document, terminal
    from tenrec.runs.price import PriceRun

    assert isinstance(run, PriceRun)
    metrics, report = run.metrics, run.path / "report.html"
    if as_json:
        document = {"run": str(run.path), "report": str(report), **metrics}
        show_document(document | ({"quote": answer} if answer else {}), as_json=True)
        return
    out, fit = terminal(), metrics["fit"]
    said = [f"{metrics['file']}: {metrics['quotes']:,} quotes fitted, {len(metrics['expiries'])} expiries"]
    said += list(metrics["assumptions"]) + [
        f"{why}: {rows:,} rows not used" for why, rows in metrics["refused"].items()
    ]
    inside = "" if fit["inside_bid_ask"] is None else f", {fit['inside_bid_ask']:.1%} within bid and ask"
    said.append(f"Fit: {100 * fit['rmse']:.3f} vol points root-mean-square{inside}")
    violations = metrics["arbitrage"]["violations"]
    said.append(f"Arbitrage on {metrics['arbitrage']['points']:,} points: {sum(violations.values())} violations")
    said += _dislocated(metrics)
    said += [f"{name:<19}{value:>14,.6g}" for name, value in (answer or {}).items()]
    for line in [*said, f"Report: {report}"]:
        out.print(line, highlight=False, soft_wrap=True)


def _dislocated(metrics: dict[str, Any]) -> list[str]:
    found, traded = metrics["dislocations"], metrics["trades"]
    said = [f"Beyond spread and error of the fit: {found['rich']:,} rich, {found['cheap']:,} cheap"]
    for row in found["largest"][:3]:
        said.append(
            f"  {row['side']} {row['kind']} {row['strike']:,.6g}, {365 * row['maturity']:.0f} days: quoted "
            f"{row['bid']:,.6g}–{row['ask']:,.6g}, worth {row['fair']:,.6g}"
        )
    if traded is not None and traded["trades"]:
        low, high = traded["low_bp"], traded["high_bp"]
        interval = "" if low is None else f" [{low:+.2f}, {high:+.2f}]"
        said.append(
            f"Traded: {traded['trades']:,} on {traded['days']} days made {traded['mean_bp']:+.2f}{interval} basis "
            f"points of the forward each, hedged and net of spread ({traded['share_gained']:.0%} gained)"
        )
    elif traded is not None:
        said.append(f"Traded: nothing was dislocated on {traded['entry_days']} days")
    return said
