"""`tenrec price`: from an option chain to a pricer, its run folder and its report."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError, DataError, InterruptedWork
from tenrec.data.chain import chain_files, read_chain
from tenrec.pricing.chain_american import american_price
from tenrec.pricing.chain_pricer import ChainPricer, load_pricer
from tenrec.pricing.chain_quotes import ChainQuotes, chain_quotes
from tenrec.pricing.dislocations import dislocations
from tenrec.pricing.neural_fit import NeuralFit, fit_neural
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.progress import Reporter, Silent

if TYPE_CHECKING:
    from tenrec.runs.dislocations import TradeRule

RUN_FILE, KIND = "run.json", "price"
RUNS = Path("runs")
DAYS = 365.0
LISTED = 20
"""Dislocations that are kept in the metrics."""


@dataclass(frozen=True)
class PriceRun:
    """A finished run of `tenrec price`; everything is read from its folder."""

    path: Path

    @property
    def metrics(self) -> dict[str, Any]:
        """`metrics.json`: what was understood, what was refused, how well the surface fits, the arbitrage check."""
        return json.loads((self.path / "metrics.json").read_text(encoding="utf-8"))

    @property
    def pricer(self) -> ChainPricer:
        """The fitted pricer: `price`, `delta`, `gamma`, `vega`, `theta`, `vanna`, `volga`, NumPy in and out."""
        return load_pricer(self.path / "pricer.npz")

    @property
    def quotes(self) -> pl.DataFrame:
        """The fitted quotes with their fitted volatility."""
        return pl.read_parquet(self.path / "quotes.parquet")

    @property
    def dislocations(self) -> pl.DataFrame:
        """Quotes that are rich or cheap beyond bid, ask and the error of the fit, the surest first."""
        return dislocations(self.quotes)

    @property
    def trades(self) -> pl.DataFrame | None:
        """What trading the dislocations of recorded days made; None where that was not asked for."""
        path = self.path / "trades.parquet"
        return pl.read_parquet(path) if path.is_file() else None


def price(
    chain: str | Path,
    *,
    out: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    date: str | None = None,
    underlying: str | None = None,
    style: str | None = None,
    rate: float | None = None,
    seed: int = 0,
    iterations: int = 500,
    trading: "TradeRule | None" = None,
    reporter: Reporter | None = None,
) -> PriceRun:
    """Fit the neural pricer to one day of an option chain and write a run folder with an HTML report.

    With `trading`, other recorded days are fitted too, and what is dislocated on each is traded on those after it.
    Nothing is written before the fit is done, and `run.json` is written last.

    Raises:
        InputError: the chain cannot be used; nothing is left behind. InterruptedWork: stopped by the user.
    """
    from tenrec.reporting.pricing import write_price_report

    reporter = reporter or Silent()
    if style not in (None, "european", "american"):
        raise ConfigError(f"--style is {style!r}; european or american is needed.")
    if iterations < 1:
        raise ConfigError(f"--iterations is {iterations}; at least 1 is needed.")
    options = {"date": date, "underlying": underlying, "style": style, "rate": rate, "seed": seed,
               "iterations": iterations, "columns": dict(columns or {}),
               "trading": None if trading is None else asdict(trading)}  # fmt: skip
    read = read_chain(chain, columns=columns, date=date, underlying=underlying, style=style)
    folder = RUNS / _id(Path(chain), options) if out is None else Path(out)
    _refuse_foreign(folder)
    if trading is not None:
        trading.entry_days(read.name, list(read.days))
    quotes = chain_quotes(read, rate=rate)
    try:
        fit, pricer = fit_quotes(quotes, seed=seed, iterations=iterations, reporter=reporter)
        table = quotes.table.with_columns(fitted=pl.Series(fit.volatility))
        checks = arbitrage_check(pricer)
        metrics = {
            "file": read.name, "rows": read.table.height, "preset": read.preset, "columns": read.columns,
            "assumptions": list(quotes.assumptions), "refused": quotes.refused, "quotes": table.height,
            "spot": quotes.spot, "fit": fit_metrics(table) | {"iterations": fit.iterations}, "arbitrage": checks,
            "expiries": quotes.expiries.to_dicts(), "options": options, "day": _day(read.table),
            "style": _style(read.table), "early_exercise": _early_exercise(table),
            "dislocations": _told(dislocations(table)), "trades": None,
        }  # fmt: skip
        trades = None
        if trading is not None:
            trades, metrics["trades"] = _traded(Path(chain), trading, options, reporter)
        reporter.say(f"Writing {folder}")
        write_atomically(folder / "pricer.npz", pricer.save)
        write_atomically(folder / "quotes.parquet", table.write_parquet)
        if trades is not None:
            write_atomically(folder / "trades.parquet", trades.write_parquet)
        write_json(folder / "metrics.json", metrics)
        write_price_report(pricer, table, metrics, folder / "report.html")
        write_json(folder / RUN_FILE, {"kind": KIND, "state": "done", "versions": {"tenrec": version("tenrec")}})
    except KeyboardInterrupt:
        raise InterruptedWork("Stopped before the fit was done; nothing was written, start it again.") from None
    except OSError as error:
        raise ConfigError(f"--out {folder} cannot be written ({error.strerror}); give another folder.") from None
    return PriceRun(folder)


def _traded(
    chain: Path, trading: "TradeRule", options: Mapping[str, Any], reporter: Reporter
) -> tuple[pl.DataFrame, dict[str, Any]]:
    from tenrec.runs.dislocations import trade_dislocations

    reading = {name: options[name] for name in ("columns", "underlying", "style")}
    kept = {name: options[name] for name in ("rate", "seed", "iterations")}
    return trade_dislocations(chain, trading, options=reading, reporter=reporter, **kept)


def _style(table: pl.DataFrame) -> str:
    return " and ".join(sorted(set(table["style"].to_list())))


def _early_exercise(table: pl.DataFrame) -> dict[str, float] | None:
    """Shares of the price that early exercise was worth, of the fitted quotes; None where all are European."""
    share = (table["early_exercise"] / table["price"]).drop_nulls().to_numpy()
    if not share.size or not np.any(share != 0.0):
        return None
    return {"median": float(np.median(share)), "largest": float(np.max(share))}


def _told(found: pl.DataFrame) -> dict[str, Any]:
    names = [
        "side",
        "kind",
        "strike",
        "maturity",
        "bid",
        "ask",
        "fair",
        "edge",
        "edge_volatility",
        "fit_error",
        "score",
    ]
    counts = {side: int((found["side"] == side).sum()) for side in ("rich", "cheap")}
    return counts | {"largest": found.select(names).head(LISTED).to_dicts()}


def load_price_run(path: str | Path) -> PriceRun:
    """Bring back a run of `tenrec price`; ConfigError where the folder is not one."""
    path = Path(path)
    if not is_price_run(path):
        raise ConfigError(f"{path} is not a run of `tenrec price`; give a folder that it made.")
    return PriceRun(path)


def is_price_run(path: str | Path) -> bool:
    """Whether a folder is that of a finished `tenrec price`."""
    try:
        about = json.loads((Path(path) / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("kind") == KIND


def report_price(path: str | Path) -> PriceRun:
    """Write the report of a finished run of `tenrec price` again."""
    from tenrec.reporting.pricing import write_price_report

    run = load_price_run(path)
    write_price_report(run.pricer, run.quotes, run.metrics, run.path / "report.html")
    return run


def quote(pricer: ChainPricer, words: Mapping[str, str], *, american: bool = False) -> dict[str, float]:
    """Price and Greeks of one option, from words such as {"strike": "3000", "days": "30", "kind": "put"}.

    The numbers are those of the European option; `american` adds the price of the American one of its volatility.

    Raises:
        ConfigError: a word that is not known, or strike or maturity missing.
    """
    known = ("strike", "days", "maturity", "kind", "spot", "forward", "volatility")
    for name in words:
        if name not in known:
            raise ConfigError(f"--quote {name}=… is not known; one of {', '.join(known)} is needed.")
    numbers: dict[str, Any] = {}
    for name, text in words.items():
        try:
            numbers[name] = text if name == "kind" else float(text)
        except ValueError:
            raise ConfigError(f"--quote {name}={text}: a number is needed.") from None
    if "strike" not in numbers or ("days" in numbers) == ("maturity" in numbers):
        raise ConfigError("--quote needs a strike and either days or maturity (years), e.g. strike=3000 and days=30.")
    if "days" in numbers:
        numbers["maturity"] = numbers.pop("days") / DAYS
    answer = {name: float(value) for name, value in pricer.greeks(**numbers).items()}
    return answer | (_american(pricer, numbers, answer["implied_volatility"]) if american else {})


def _american(pricer: ChainPricer, asked: Mapping[str, Any], volatility: float) -> dict[str, float]:
    maturity = float(asked["maturity"])
    growth = float(pricer.forward(maturity)) / float(pricer.spot)
    spot = asked["forward"] / growth if "forward" in asked else asked.get("spot", float(pricer.spot))
    put = asked.get("kind") == "put"
    worth = american_price(
        spot, asked["strike"], maturity, volatility, spot * growth, float(pricer.discount(maturity)), put=put
    )
    return {"american_price": worth}


def fit_metrics(table: pl.DataFrame) -> dict[str, Any]:
    """Errors of the fit in volatility (decimal), and the share of quotes whose fit lies within bid and ask."""
    error = (table["fitted"] - table["volatility"]).to_numpy()
    both = table.drop_nulls(["volatility_bid", "volatility_ask"])
    inside = both.select(pl.col("fitted").is_between("volatility_bid", "volatility_ask").mean()).item()
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mean_absolute": float(np.mean(np.abs(error))),
        "largest": float(np.max(np.abs(error))),
        "inside_bid_ask": None if inside is None else float(inside),
    }


def arbitrage_check(pricer: ChainPricer, strikes: int = 201, maturities: int = 60) -> dict[str, Any]:
    """The fitted prices on a dense grid: calls falling and convex in strike, rising in maturity at fixed K/F.

    Violations are counted beyond rounding, 1e-12 of the forward; the worst slack of each kind stands beside.
    """
    last, first = float(pricer.times[-1]), float(pricer.times[1])
    times = np.geomspace(first, last, maturities)
    width = 4.0 * float(pricer.reference) * np.sqrt(last)
    moneyness = np.exp(np.linspace(-width, 0.6 * width, strikes))
    forward = pricer.forward(times)
    at, t = forward[:, None] * moneyness, np.broadcast_to(times[:, None], (maturities, strikes))
    deflator = pricer.discount(times)[:, None] * forward[:, None]
    call = pricer.price(strike=at, maturity=t) / deflator
    slope = np.diff(call, axis=1) / np.diff(moneyness)
    worst = {
        "butterfly": float(np.diff(slope, axis=1).min()),
        "vertical": float(min((-slope).min(), (1.0 + slope).min())),
        "calendar": float(np.diff(call, axis=0).min()),
    }
    gap = float(np.diff(moneyness).min())
    allowed = {"butterfly": 1e-13 / gap, "vertical": 1e-13 / gap, "calendar": 1e-13}
    counts = {
        "butterfly": int((np.diff(slope, axis=1) < -4 * allowed["butterfly"]).sum()),
        "vertical": int(((-slope < -allowed["vertical"]) | (1.0 + slope < -4 * allowed["vertical"])).sum()),
        "calendar": int((np.diff(call, axis=0) < -4 * allowed["calendar"]).sum()),
    }
    return {"points": int(call.size), "violations": counts, "worst": worst}


def fit_quotes(
    quotes: ChainQuotes,
    *,
    seed: int = 0,
    iterations: int = 500,
    start: np.ndarray | None = None,
    reporter: Reporter | None = None,
) -> tuple[NeuralFit, ChainPricer]:
    """The fit, and the pricer that it makes with the forwards of the chain; `start`: weights of an earlier fit."""
    fit = _fit(quotes, seed, iterations, start, reporter or Silent())
    return fit, _pricer(quotes, fit)


def _fit(quotes: ChainQuotes, seed: int, iterations: int, start: np.ndarray | None, reporter: Reporter) -> NeuralFit:
    table = quotes.table
    reporter.start("Fitting the pricer", iterations)
    bid, middle, ask = (pl.col(name) for name in ("volatility_bid", "volatility", "volatility_ask"))
    spread = pl.coalesce(0.5 * (ask - bid), ask - middle, middle - bid, pl.lit(0.01))
    half = table.select(spread).to_series().to_numpy()
    log_moneyness, maturity, volatility = (
        table[name].to_numpy() for name in ("log_moneyness", "maturity", "volatility")
    )
    return fit_neural(
        log_moneyness, maturity, volatility, half, seed=seed, iterations=iterations, start=start,
        told=lambda done, error: reporter.advance(done, f"{error:.3f} vol points"),
    )  # fmt: skip


def _pricer(quotes: ChainQuotes, fit: NeuralFit) -> ChainPricer:
    expiries = quotes.expiries
    grid = fit.grid
    return ChainPricer(
        log_nodes=np.asarray(grid.log_nodes),
        times=np.asarray(grid.times),
        laws=fit.laws,
        kernel=np.asarray(grid.kernel),
        reference=np.asarray(grid.reference),
        expiries=expiries["maturity"].to_numpy(),
        growth=(expiries["forward"] / quotes.spot).to_numpy(),
        discounts=expiries["discount"].to_numpy(),
        spot=np.asarray(quotes.spot),
    )


def _day(table: pl.DataFrame) -> str | None:
    first = table["time"].drop_nulls()
    return None if first.is_empty() else str(first[0].date())


def _id(chain: Path, options: dict[str, Any]) -> str:
    files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in chain_files(chain)]
    text = json.dumps([files, options, version("tenrec")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _refuse_foreign(path: Path) -> None:
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not is_price_run(path)):
        raise ConfigError(f"--out {path} exists and is not a run of `tenrec price`; give a new or empty folder.")


def bundled_chain() -> Path:
    """The chain that `tenrec price` fits without arguments: S&P 500 puts of 2019-05-18."""
    from importlib.resources import files

    path = Path(str(files("tenrec.data") / "bundled" / "spx_20190518.parquet"))
    if not path.is_file():
        raise DataError("The bundled chain is missing; install tenrec again or give a chain.")
    return path
