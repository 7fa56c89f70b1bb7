"""The report of a tuning run: reads what the run wrote and nothing else."""

from tenrec.core.errors import WorkError
from tenrec.reporting.tuning import TuneReport, write_tune_images, write_tune_report
from tenrec.runs.tuning.export import YAML_FILE
from tenrec.runs.tuning.folder import TuneFolder
from tenrec.runs.tuning.words import findings, recommendations, subtitle_of, title_of


def report_tune(folder: TuneFolder, *, images: bool = True) -> str | None:
    """Write `report.html` and the PNG files; a sentence where the pictures could not be drawn."""
    data = report_data(folder)
    write_tune_report(data, folder.report)
    if not images:
        return None
    try:
        write_tune_images(data, folder.path / "plots", folder.path / "hedging_optimization_results.png")
    except WorkError as error:
        return str(error)
    return None


def report_data(folder: TuneFolder) -> TuneReport:
    """Everything the report shows."""
    config, metrics, about = folder.config(), folder.metrics(), folder.about()
    versions = {name: str(number) for name, number in about["versions"].items()}
    return TuneReport(
        title=title_of(config),
        subtitle=subtitle_of(config, metrics),
        summary=findings(metrics),
        advice=recommendations(config, metrics),
        metrics=metrics,
        trials=folder.read_table("trials"),
        bulk=folder.read_table("bulk"),
        windows=folder.read_table("windows"),
        walk_forward=folder.read_table("walk_forward"),
        replay=folder.read_table("replay"),
        replay_title=metrics["replay"]["title"],
        config_yaml=(folder.path / "config.yaml").read_text(encoding="utf-8"),
        exported_yaml=(folder.path / YAML_FILE).read_text(encoding="utf-8"),
        environment={
            "run": about["id"], "duration": f"{metrics['seconds']:.0f} s", "seed": str(config.search.seed),
            "trials": str(metrics["trials"]), "python": about["python"], "platform": about["platform"], **versions,
        },
    )  # fmt: skip
