"""An exported rule on ticks, beside what its file says to expect."""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.reporting.tuning import ReplayReport, write_replay_report
from tenrec.runs.files import write_atomically, write_json, write_text
from tenrec.runs.loading import dump_config, read_yaml
from tenrec.runs.progress import Reporter
from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.expected import against_expected, replay_findings, replay_subtitle
from tenrec.runs.tuning.kinds import RUN_FILE, is_kind
from tenrec.runs.tuning.ledger import eventful, thinned, week_ledger, week_name
from tenrec.runs.tuning.production import ExportedRule, load_rule, rule_file
from tenrec.runs.tuning.recipe import Market
from tenrec.tuning.metrics import Results, interval_of_mean, results, summary
from tenrec.tuning.scoring import Scores, score_one

RUNS = Path("runs")
KIND = "backtest"
WRITTEN = ("metrics.json", "weeks.parquet", "ledger.parquet", "report.html")


@dataclass(frozen=True)
class RuleBacktest:
    """A finished backtest of an exported rule; everything is read from its folder."""

    path: Path
    kind: str = "rule"

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return json.loads((self.path / "metrics.json").read_text(encoding="utf-8"))

    @property
    def weeks(self) -> pl.DataFrame:
        """One row a week."""
        return pl.read_parquet(self.path / "weeks.parquet")

    def ledger(self) -> pl.DataFrame:
        """Every tick at which something was traded, paid or received, with the first and the last of each week.

        Between two of them the position stands still.
        """
        return pl.read_parquet(self.path / "ledger.parquet")


def backtest_rule(
    path: str | Path,
    *,
    data: str | Path | None,
    out: str | Path | None,
    overrides: Iterable[str],
    reporter: Reporter,
) -> RuleBacktest:
    """Replay an exported rule week by week, and write the run folder."""
    began = time.perf_counter()
    file = rule_file(path)
    rule = load_rule(file, with_ticks(file, data, overrides))
    desk = Desk(rule.config, file.parent)
    desk.check()
    place = RUNS / f"backtest-{_id(rule)}" if out is None else Path(out)
    _refuse_foreign(place)
    found, market, ledger, weeks = _walked(rule, desk, reporter)
    stated = read_yaml(file)
    replayed = desk.fingerprint == (stated.get("optimization_metadata") or {}).get("data_hash")
    first = len(desk.in_sample) if replayed else 0
    judged = found.windows(slice(first, None))
    metrics = {
        "kind": KIND,
        "of": "rule",
        "file": str(file),
        "rule": rule.config.rule.model_dump(mode="json"),
        "market": market.section(),
        "weeks": {"all": len(found.years), "judged": len(judged.years), "tuned_on": first},
        "result": _numbers(judged, rule.config.level),
        "expected": against_expected(stated.get("expected_performance") or {}, judged),
        "seconds": time.perf_counter() - began,
    }
    weeks = weeks.with_columns(pl.Series("sample", ["tuned on"] * first + ["judged"] * (weeks.height - first)))
    _write(place, rule, desk, metrics, weeks, ledger)
    reporter.start("report", 1)
    write_replay_report(_report(place, rule, desk, metrics, weeks), place / "report.html")
    _mark(place, "done")
    return RuleBacktest(place)


def with_ticks(file: Path, data: str | Path | None, overrides: Iterable[str]) -> list[str]:
    """The overrides, after one that puts recorded ticks in the place of the file's own."""
    if data is None:
        return list(overrides)
    own = read_yaml(file).get("ticks") or {}
    kept = {key: own[key] for key in ("columns", "window_days", "volatility_premium") if own.get(key) is not None}
    section = {"source": "recorded", "file": str(Path(data).resolve()), **kept}
    return [f"ticks={json.dumps(section)}", *overrides]


def _walked(rule: ExportedRule, desk: Desk, reporter: Reporter) -> tuple[Results, Market, pl.DataFrame, pl.DataFrame]:
    """Results, ticks seen, the eventful lines of all weeks, and a table of the weeks."""
    policy, market = rule.policy, Market()
    scores, lines, rows = [], [], []
    reporter.start("replay", desk.source.count)
    for number in range(desk.source.count):
        ticks, window = desk.source.window(number), desk.window(number)
        market.see(ticks, window)
        scores.append(score_one(policy, window, desk.costs))
        lines.append(eventful(week_ledger(policy, window, desk.costs)).with_columns(week=pl.lit(number, pl.Int32)))
        rows.append({"window": number, "week": week_name(ticks, number), **_row(scores[-1])})
        reporter.advance(number + 1)
    return results(scores, market.facts), market, pl.concat(lines), pl.DataFrame(rows)


def _row(score: Scores) -> dict[str, float]:
    columns = {"net_pnl": "wealth", "cost": "cost", "hedges": "hedges", "drawdown": "drawdown", "funding": "funding"}
    return {name: float(getattr(score.tally, key)) for name, key in columns.items()}


def _numbers(found: Results, level: float) -> dict[str, float]:
    shown = {name: float(values[0]) for name, values in summary(found).items()}
    low, high = interval_of_mean(found.tally["wealth"][:, 0], level)
    return {**shown, "net_pnl_low": low, "net_pnl_high": high}


def _id(rule: ExportedRule) -> str:
    text = json.dumps(rule.config.model_dump(mode="json"), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not is_kind(path, KIND) and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(f"--out {path} exists and is not the folder of a backtest; give a new or empty folder.")


def _write(
    path: Path, rule: ExportedRule, desk: Desk, metrics: dict[str, Any], weeks: pl.DataFrame, ledger: pl.DataFrame
) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        _mark(path, "started")
        for name in WRITTEN:
            (path / name).unlink(missing_ok=True)
        write_text(path / "config.yaml", dump_config(rule.config))
        write_atomically(path / "weeks.parquet", weeks.write_parquet)
        write_atomically(path / "ledger.parquet", ledger.write_parquet)
        write_json(path / "metrics.json", metrics)
    except OSError as error:
        raise ConfigError(f"--out {path} cannot be written ({error.strerror}); give another folder.") from None


def _mark(path: Path, state: str) -> None:
    write_json(path / RUN_FILE, {"kind": KIND, "of": "rule", "state": state, "versions": {"tenrec": version("tenrec")}})


def _report(path: Path, rule: ExportedRule, desk: Desk, metrics: dict[str, Any], weeks: pl.DataFrame) -> ReplayReport:
    judged = weeks.filter(pl.col("sample") == "judged").sort("net_pnl")
    shown = {"Worst week": judged.row(0, named=True)}
    if judged.height > 1:
        shown["Best week"] = judged.row(-1, named=True)
    pictures = {}
    for heading, row in shown.items():
        number = row["window"]
        ledger = week_ledger(rule.policy, desk.window(number), desk.costs)
        pictures[f"{heading}: {row['week']}"] = thinned(ledger)
    return ReplayReport(
        title=f"Backtest of a hedging rule, {rule.config.book.underlying}",
        subtitle=replay_subtitle(rule.config, metrics),
        summary=replay_findings(metrics),
        metrics=metrics,
        weeks=weeks,
        pictures=pictures,
        config_yaml=dump_config(rule.config),
    )
