"""The benchmark scripts can be called, and what they compute beside measuring is right; nothing is measured."""

import argparse
import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tenrec.runs.loading import load_config

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = sorted(path for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
PEERS = sorted(BENCHMARKS.glob("peers/*.py"))


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Import a script by its name, with its neighbours beside it, as Python does when it is called."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def test_every_script_is_found():
    names = {path.stem for path in BENCHMARKS.glob("*.py")}
    assert {path.stem for path in SCRIPTS} == names - {"machine", "peer"}
    assert len(SCRIPTS) >= 7


def test_every_script_explains_itself(benchmark, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for path in SCRIPTS:
        script = benchmark(path.stem)
        monkeypatch.setattr(sys, "argv", [path.name, "--help"])
        with pytest.raises(SystemExit) as left:
            script.main()
        assert left.value.code == 0
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith(f"usage: {path.name}")
        assert f"python benchmarks/{path.name}" in said


def test_a_script_runs_as_a_file():
    """Its own neighbours are found, from whatever folder it is called."""
    command = [sys.executable, str(BENCHMARKS / "training_throughput.py"), "--help"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--no-peer" in done.stdout


@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.stem)
def test_peers_are_programs_of_their_own(path: Path):
    """They run in another Python, which has no tenrec."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported & {"torch", "fast_vollib"}
    assert not any(name.split(".")[0] == "tenrec" for name in imported)


def test_configurations_are_valid(benchmark):
    memory, throughput = benchmark("memory"), benchmark("training_throughput")
    for kind in memory.KINDS:
        config = load_config(memory.config(kind, 100_000, 250))
        assert (config.policy.kind, config.training.paths, config.grid.steps) == (kind, 100_000, 250)
    config = load_config(throughput.config(10_000, 20, 7))
    assert (config.training.updates, config.training.per_dispatch, config.policy.hidden) == (160, 20, (64, 32))
    notebook = benchmark("notebook")
    assert load_config(notebook.EXAMPLE, notebook.WELL_TRAINED).training.updates == 1500
    for name in ("near_optimal", "expected_shortfall"):
        assert load_config(benchmark(name).EXAMPLE, ["training.seed=2"]).training.seed == 2


def test_operations_of_a_path_step(benchmark):
    """4→64→32→1: 2,336 weights, a multiply and an add each, forwards once and backwards twice."""
    assert benchmark("training_throughput").FLOPS_PER_PATH_STEP == 3 * 2 * (4 * 64 + 64 * 32 + 32 * 1)


def test_throughput_table(benchmark, capsys: pytest.CaptureFixture[str]):
    throughput = benchmark("training_throughput")
    watch = throughput.Stopwatch(None, paths=100, updates=2)
    watch.ours, watch.theirs = [(4e6, 5e6), (6e6, 5e6)], [(2e6, 2.5e6), (2e6, 2e6)]
    throughput.show(watch, peak=1e11)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["1", "4.00", "2.00", "2.00", "5.00", "2.50", "2.00"]
    assert lines[2].split() == ["2", "6.00", "2.00", "3.00", "5.00", "2.00", "2.50"]
    assert "70 GFLOP/s, 70% of the 100 GFLOP/s" in lines[-2]
    assert lines[-1] == "ratio to pfhedge: 2.50 (CPU time 2.25), at least 1.9 is wanted"


def test_throughput_counts_each_round_but_the_first(benchmark):
    throughput = benchmark("training_throughput")
    watch = throughput.Stopwatch(None, paths=100, updates=2)
    watch.start("train", 6)
    for done in (2, 4, 6):
        watch.advance(done)
    assert len(watch.ours) == 2
    assert watch.compile_seconds > 0
    assert all(rate > 0 for pair in watch.ours for rate in pair)


def test_shortfall_is_the_mean_of_the_worst_tenth(benchmark):
    pnl = np.arange(-50.0, 50.0)[np.random.default_rng(0).permutation(100)]
    assert benchmark("expected_shortfall").shortfall(SimpleNamespace(pnl=pnl)) == np.mean(np.arange(41.0, 51.0))


def test_a_line_of_the_notebook(benchmark):
    """A squared error of 4 currency² at a spot of 100 is a root of 200 bp."""
    words = benchmark("notebook").line("delta", (4.0, 9.0), 100.0).split()
    assert words == ["delta", "4.000", "200.0", "9.000", "300.0"]


def test_a_peer_is_asked_in_its_own_process(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    peer = benchmark("peer")
    script = "import json, sys\nfor line in sys.stdin:\n    print(json.dumps({'got': json.loads(line)}), flush=True)\n"
    (tmp_path / "echo.py").write_text(script, encoding="utf-8")
    (tmp_path / "gone.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(peer, "FOLDER", tmp_path)
    echo = peer.Peer("echo.py", sys.executable)
    assert echo.ask(paths=3) == {"got": {"paths": 3}}
    assert echo.ask(seed=1, updates=2) == {"got": {"seed": 1, "updates": 2}}
    echo.close()
    gone = peer.Peer("gone.py", sys.executable)
    with pytest.raises(SystemExit, match="The peer ended; name a Python that has it with --peer-python"):
        gone.ask(paths=3)
    gone.close()


def test_the_peer_can_be_left_out(benchmark):
    parser = argparse.ArgumentParser()
    benchmark("peer").add_peer_option(parser)
    assert parser.parse_args([]).peer_python == sys.executable
    assert parser.parse_args(["--no-peer"]).no_peer


def test_peak_memory_is_that_of_this_process(benchmark):
    assert 0.05 < benchmark("memory").peak_gigabytes() < 100


def test_the_main_job_is_called_without_a_cache(benchmark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    listed, called = benchmark("listed_options"), []

    def run(command: list[str], **how: object) -> SimpleNamespace:
        called.append((command, how))
        return SimpleNamespace(stdout=json.dumps({"learned": "x"}))

    monkeypatch.setattr(listed.subprocess, "run", run)
    seconds, metrics = listed.main_job(tmp_path, ["training.updates=4"])
    ((command, how),) = called
    assert command[1:] == ["hedge", "--out", str(tmp_path), "--json", "--set", "training.updates=4"]
    assert not any(name.startswith("JAX_") for name in how["env"])
    assert seconds >= 0
    assert metrics == {"learned": "x"}
