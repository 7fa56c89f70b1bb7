"""The report of a run folder: reads what the run wrote and nothing else."""

from typing import Any

import numpy as np
import polars as pl

from tenrec.reporting import HedgeCurve, ReportData, write_report
from tenrec.runs.config import HedgeConfig
from tenrec.runs.folder import RunFolder
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.tables import by_instrument, explained
from tenrec.runs.what_if import kept_what_if
from tenrec.runs.words import curves_note, findings, instrument_names, subtitle_of, title_of


def report_run(folder: RunFolder) -> None:
    """Write `report.html` into the run folder."""
    write_report(report_data(folder), folder.report)


def report_data(folder: RunFolder) -> ReportData:
    """Everything the report shows, read from the folder."""
    config, metrics, about = folder.config(), folder.metrics(), folder.about()
    recorded = isinstance(config.market, RecordedSpec)
    names, names_of = list(metrics["policies"]), instrument_names(config)
    pnl = folder.read_table("pnl")
    ledger = folder.read_table("ledger")
    path = _replayed(ledger, pnl, recorded, metrics["learned"])
    return ReportData(
        title=title_of(config, metrics),
        subtitle=subtitle_of(config, metrics),
        summary=findings(config, metrics),
        metrics=metrics,
        config_yaml=(folder.path / "config.yaml").read_text(encoding="utf-8"),
        environment=_environment(about, metrics, config),
        pnl_bp={name: pnl[name].to_numpy() for name in names},
        history=_history(folder.read_table("history")),
        hedge_curves=_curves(folder.read_table("curves")),
        curves_note=curves_note(config),
        replay={name: _one(ledger, name, path) for name in names},
        replay_title=f"{path}" if recorded else f"path {path}",
        groups=folder.read_table("groups") if recorded else None,
        days=folder.read_table("days").select("date", "label", "difference_bp") if recorded else None,
        selection=metrics.get("selection") if recorded else None,
        explained=explained(ledger),
        explained_paths=ledger["path"].n_unique(),
        instruments=tuple(names_of),
        by_instrument=by_instrument(ledger, names_of),
        **kept_what_if(folder),
    )


def _environment(about: dict[str, Any], metrics: dict[str, Any], config: HedgeConfig) -> dict[str, str]:
    versions = {name: str(number) for name, number in about["versions"].items()}
    seeds = f"training {config.training.seed}, evaluation {config.evaluate.seed}"
    return {
        "run": about["id"],
        "duration": f"{metrics['seconds']:.0f} s",
        "seeds": seeds,
        "python": about["python"],
        "platform": about["platform"],
        **versions,
    }


def _history(table: pl.DataFrame) -> pl.DataFrame:
    """A single stage is not named; several are told apart by their policy."""
    return table.drop("stage") if table["stage"].n_unique() == 1 else table


def _curves(table: pl.DataFrame) -> tuple[HedgeCurve, ...]:
    curves = []
    for (days,), part in table.group_by("days_to_maturity", maintain_order=True):
        ratio, band, spot = {}, {}, np.array([])
        others = [column for column in part.columns if column.startswith("ratio_")]
        further: tuple[dict[str, np.ndarray], ...] = tuple({} for _ in others)
        for (name,), rows in part.group_by("policy", maintain_order=True):
            spot, ratio[name] = rows["spot"].to_numpy(), rows["ratio"].to_numpy()
            for column, held in zip(others, further, strict=True):
                held[name] = rows[column].to_numpy()
            if rows["lower"].null_count() == 0:
                band[name] = (rows["lower"].to_numpy(), rows["upper"].to_numpy())
        curves.append(HedgeCurve(float(days), spot, ratio, band, further))
    return tuple(curves)


def _replayed(ledger: pl.DataFrame, pnl: pl.DataFrame, recorded: bool, learned: str) -> Any:
    """The path shown: recorded, the one with the learned policy's median P&L; simulated, the one that trades most."""
    if recorded:
        order = pnl.sort(learned)
        return order["contract"][order.height // 2]
    busy = ledger.filter(pl.col("policy") == learned).group_by("path").agg(pl.col("trade").abs().sum())
    return busy.sort("trade", "path")["path"][-1]


def _one(ledger: pl.DataFrame, policy: str, path: Any) -> pl.DataFrame:
    rows = ledger.filter((pl.col("policy") == policy) & (pl.col("path") == path))
    further = [name for name in rows.columns if name.startswith("position_")]
    return rows.select("date", "spot", "position", "trade", "cost", "pnl", *further)
