"""The run folder: what lies in it, what it refuses, and that nothing in it is ever half there."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tenrec
from tenrec.core.errors import ConfigError, InputError
from tenrec.hedging.attribution import PARTS
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.folder import RunFolder, create, run_id
from tenrec.runs.loading import load_config
from tenrec.runs.report import report_run
from tests.reporting.elements import LOADING, Elements
from tests.runs.tiny import duel, tiny

LEDGER = ["policy", "path", "date", "spot", "position", "trade", "cost", "cash", "pnl"]
LEDGER += [f"pnl_{part}" for part in PARTS if part != "instruments"]  # there is one instrument
POLICIES = ["no_hedge", "black_scholes_delta", "band_network", "feed_forward"]


@pytest.fixture
def copy(finished: tenrec.Run, tmp_path: Path) -> RunFolder:
    """A finished run that may be changed."""
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / "copy")))


def refused(path: Path) -> str:
    """What is said when a run is to be made here."""
    with pytest.raises(ConfigError) as refusal:
        create(path, load_config(tiny()), Path())
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_what_a_run_leaves(finished: tenrec.Run):
    files = sorted(str(path.relative_to(finished.path)) for path in finished.path.rglob("*") if path.is_file())
    assert files == [
        "checkpoints/band_network.eqx",
        "checkpoints/band_network.parquet",
        "checkpoints/feed_forward.eqx",
        "checkpoints/feed_forward.parquet",
        "config.yaml",
        "curves.parquet",
        "history.parquet",
        "ladder.parquet",
        "ledger.csv",
        "ledger.parquet",
        "metrics.json",
        "pnl.parquet",
        *(f"policies/{name}.eqx" for name in sorted(POLICIES)),
        "report.html",
        "run.json",
        "stresses.parquet",
    ]
    assert {path.stat().st_mode & 0o777 for path in finished.path.rglob("*") if path.is_file()} == {0o644}


def test_the_folder_says_what_was_run(finished: tenrec.Run):
    about = json.loads((finished.path / "run.json").read_text(encoding="utf-8"))
    assert about["state"] == "done"
    assert about["id"] == run_id(finished.config)
    assert {"tenrec", "jax", "numpy"} <= set(about["versions"])
    assert finished.config == load_config(duel())
    assert json.loads((finished.path / "metrics.json").read_text(encoding="utf-8")) == finished.metrics


def test_a_run_is_known_by_its_configuration():
    assert run_id(load_config(tiny())) == run_id(load_config(tiny(grid={"steps": 4, "day_count": 365})))
    assert run_id(load_config(tiny())) != run_id(load_config(tiny(costs={"proportional": 0.002})))
    assert len(run_id(load_config(tiny()))) == 12


def test_positions_as_parquet_and_as_csv_agree(finished: tenrec.Run):
    parquet = pl.read_parquet(finished.path / "ledger.parquet")
    csv = pl.read_csv(finished.path / "ledger.csv")
    assert parquet.columns == csv.columns == LEDGER
    assert parquet.height == len(POLICIES) * 100 * 5
    assert_frame_equal(csv.cast(dict(parquet.schema)), parquet, check_exact=False, rel_tol=0, abs_tol=6e-8)
    assert parquet["position"].abs().max() > 0.3
    assert parquet.null_count().sum_horizontal().item() == 0


def test_pnl_has_a_column_for_each_policy(finished: tenrec.Run):
    pnl = finished.pnl()
    assert pnl.columns == POLICIES
    assert pnl.height == finished.metrics["paths"]
    assert np.isfinite(pnl.to_numpy()).all()


def test_the_report_is_one_file_that_fetches_nothing(finished: tenrec.Run):
    elements = Elements(finished.folder.report.read_text(encoding="utf-8"))
    assert [(tag, attrs) for tag, attrs in elements.found if LOADING.get(tag) in attrs] == []
    guard = next(attrs["content"] for _, attrs in elements.found if attrs.get("http-equiv"))
    assert str(guard).startswith("default-src 'none'")
    for name in POLICIES:
        assert finished.metrics["policies"][name]["label"] in elements.visible
    learned = finished.metrics["policies"][finished.metrics["learned"]]
    assert f"{learned['risk_bp']['value']:.0f}" in elements.visible
    assert finished.folder.about()["id"] in elements.visible
    assert len(elements.plots) >= 4


def test_the_report_can_be_written_again_from_the_folder_alone(copy: RunFolder):
    first = copy.report.read_text(encoding="utf-8")
    shutil.rmtree(copy.path / "checkpoints")
    shutil.rmtree(copy.policies)
    copy.report.unlink()
    report_run(copy)
    assert copy.report.read_text(encoding="utf-8") == first


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path: Path):
    (tmp_path / "photo.txt").write_text("mine", encoding="utf-8")
    assert refused(tmp_path) == f"--out {tmp_path} exists and is not a run folder; give a new or empty folder."
    assert refused(tmp_path / "photo.txt").endswith("is not a run folder; give a new or empty folder.")
    assert "cannot be written" in refused(tmp_path / "photo.txt" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.txt"]
    assert (tmp_path / "photo.txt").read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_will_do(tmp_path: Path):
    create(tmp_path, load_config(tiny()), Path())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "run.json"]


def test_a_new_run_in_an_old_folder_keeps_none_of_its_results(copy: RunFolder):
    (copy.path / "notes.txt").write_text("mine", encoding="utf-8")
    created = create(copy.path, load_config(tiny()), Path())
    files = sorted(path.name for path in created.path.rglob("*") if path.is_file())
    assert files == ["config.yaml", "notes.txt", "run.json"]
    assert created.config() == load_config(tiny())
    with pytest.raises(ConfigError, match="has not finished"):
        tenrec.load(created.path)


def test_a_run_that_is_given_up_leaves_only_what_is_not_its_own(tmp_path: Path):
    folder = create(tmp_path / "run", load_config(tiny()), Path())
    folder.write_table("pnl", pl.DataFrame({"a": [1.0]}))
    (folder.path / "notes.txt").write_text("mine", encoding="utf-8")
    folder.discard()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]
    (folder.path / "notes.txt").unlink()
    create(folder.path, load_config(tiny()), Path()).discard()
    assert not folder.path.exists()


def test_input_refused_while_a_run_works_leaves_nothing(empty: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise InputError("The file has changed.")

    monkeypatch.setattr("tenrec.runs.api.hedge_simulated", refuse)
    with pytest.raises(InputError, match="has changed"):
        tenrec.hedge(tiny(), out="run")
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("metrics.json", lambda run: run.metrics),
        ("ledger.parquet", lambda run: run.ledger("no_hedge")),
        ("pnl.parquet", lambda run: run.pnl()),
        ("policies/band_network.eqx", lambda run: run.policy("band_network")),
    ],
)
def test_a_damaged_file_is_named(copy: RunFolder, name: str, ask):
    path = copy.path / name
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ConfigError) as refusal:
        ask(tenrec.load(copy.path))
    assert str(refusal.value) == f"{path} is missing or damaged; run `tenrec hedge` again to make the run anew."


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "new" / "numbers.json"
    write_json(path, {"a": 1})

    def fail(part: Path) -> None:
        part.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert [found.name for found in path.parent.iterdir()] == ["numbers.json"]
