"""A run stopped anywhere goes on as if it had not been stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import tenrec
from tenrec.core.errors import ConfigError, InterruptedWork
from tests.runs.tiny import Listening, duel, without_seconds

TABLES = ("curves", "history", "ledger", "pnl")
AT_UPDATE = "Stopped at update {} of 6 of {}; `tenrec resume {}` continues there."
ANYWHERE = "Stopped; `tenrec resume {2}` continues."

# Where the user stops the run, what is said, and which stages still train when it is resumed.
STOPS: dict[str, tuple[tuple[str, int], str, dict[str, list[int]]]] = {
    "before the first update": (("train band network", 0), ANYWHERE, {"band": [2, 4, 6], "feed": [2, 4, 6]}),
    "after the first report": (("train band network", 2), AT_UPDATE, {"band": [4, 6], "feed": [2, 4, 6]}),
    "in the second policy": (("train feed forward", 4), AT_UPDATE, {"band": [], "feed": [6]}),
    "while it is judged": (("evaluate", 100), ANYWHERE, {"band": [], "feed": []}),
}


def stopped_at(stage: str, done: int) -> Listening:
    """A reporter behind which the user presses Ctrl-C at this report."""

    def stop(heard: str, at: int) -> None:
        if (heard, at) == (stage, done):
            raise KeyboardInterrupt

    return Listening(stop)


def same_run(run: tenrec.Run, other: tenrec.Run) -> None:
    """Equal bit by bit in all but the clock."""
    assert without_seconds(run.metrics) == without_seconds(other.metrics)
    for name in TABLES:
        assert_frame_equal(run.folder.read_table(name), other.folder.read_table(name), check_exact=True)
    for path in other.folder.policies.iterdir():
        assert (run.folder.policies / path.name).read_bytes() == path.read_bytes()


def updates(heard: Listening) -> dict[str, list[int]]:
    """The updates reported while the two policies trained."""
    return {
        name: [done for stage, done in heard.heard if stage.startswith(f"train {name}")] for name in ("band", "feed")
    }


@pytest.mark.parametrize("name", STOPS)
def test_a_stopped_run_goes_on_bit_by_bit(finished: tenrec.Run, tmp_path: Path, name: str):
    (stage, done), said, left = STOPS[name]
    out = tmp_path / "run"
    with pytest.raises(InterruptedWork) as stop:
        tenrec.hedge(duel(), out=out, reporter=stopped_at(stage, done))
    assert str(stop.value) == said.format(done, stage.removeprefix("train ").replace(" ", "_"), out)
    assert stop.value.exit_status == 130
    with pytest.raises(ConfigError, match=f"has not finished; `tenrec resume {out}` continues it"):
        tenrec.load(out)
    reporter = Listening()
    run = tenrec.resume(out, reporter=reporter)
    assert updates(reporter) == left
    same_run(run, finished)
    same_run(tenrec.load(out), finished)


def test_a_run_stopped_again_and_again_goes_on(finished: tenrec.Run, tmp_path: Path):
    out = tmp_path / "run"
    stops: list[tuple[Callable[..., tenrec.Run], tuple[str, int]]] = [
        (lambda **how: tenrec.hedge(duel(), out=out, **how), ("train band network", 2)),
        (lambda **how: tenrec.resume(out, **how), ("train band network", 0)),
        (lambda **how: tenrec.resume(out, **how), ("train band network", 4)),
        (lambda **how: tenrec.resume(out, **how), ("train feed forward", 6)),
    ]
    for start, (stage, done) in stops:
        with pytest.raises(InterruptedWork, match="tenrec resume"):
            start(reporter=stopped_at(stage, done))
    same_run(tenrec.resume(out), finished)


def test_a_run_stopped_while_its_report_is_written_goes_on(
    finished: tenrec.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(folder: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("tenrec.runs.api.report_run", stop)
        with pytest.raises(InterruptedWork, match="tenrec resume"):
            tenrec.hedge(duel(), out=out)
    assert not (out / "report.html").exists()
    same_run(tenrec.resume(out), finished)
    assert (out / "report.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_a_checkpoint_is_there_after_a_stop_and_nothing_half_written(tmp_path: Path):
    with pytest.raises(InterruptedWork):
        tenrec.hedge(duel(), out=tmp_path / "run", reporter=stopped_at("train band network", 4))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "band_network.eqx",
        "band_network.parquet",
        "config.yaml",
        "run.json",
    ]


def test_a_finished_run_is_returned_and_not_run_again(finished: tenrec.Run):
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}
    reporter = Listening()
    assert tenrec.resume(finished.path, reporter=reporter) == finished
    assert reporter.stages == []
    assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")} == before


def test_what_is_no_run_is_refused(finished: tenrec.Run, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    (copy / "run.json").unlink()
    for path, words in {
        tmp_path / "nowhere": "is not a folder",
        finished.path / "config.yaml": "is not a folder",
        tmp_path: "is not a run folder",
        copy: "is not a run folder",
    }.items():
        for bring_back in (tenrec.resume, tenrec.load):
            with pytest.raises(ConfigError, match=words) as refusal:
                bring_back(path)
            assert str(refusal.value).startswith(str(path))
            assert str(refusal.value).endswith(".")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"state": "started"}'])
def test_a_damaged_run_is_refused(finished: tenrec.Run, tmp_path: Path, content: bytes):
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    (copy / "run.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"run.json is missing or damaged; run `tenrec hedge` again"):
        tenrec.resume(copy)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path):
    out = tmp_path / "run"
    with pytest.raises(InterruptedWork):
        tenrec.hedge(duel(), out=out, reporter=stopped_at("train band network", 2))
    checkpoint = out / "checkpoints" / "band_network.eqx"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(ConfigError, match=r"band_network.eqx is missing or damaged; run `tenrec hedge` again"):
        tenrec.resume(out)
    assert checkpoint.exists()
