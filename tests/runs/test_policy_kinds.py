"""Recurrent, residual, averaged and custom policies in one run: what comes back, what is told, what is refused."""

import re
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import yaml

import tenrec
from tenrec.core.errors import ConfigError, InputError, WorkError
from tenrec.hedging.policies import (
    AbstractPositionPolicy,
    BandEnsemble,
    OwnBandEnsemble,
    PositionEnsemble,
    WhalleyWilmott,
    ensemble,
)
from tenrec.runs.export import export_run
from tenrec.runs.loading import load_config
from tenrec.runs.preflight import preflight
from tests.conformance.policies import states
from tests.runs.tiny import tiny

HALFWAY = """
from tenrec.hedging.policies import AbstractPositionPolicy
from tenrec.hedging.sensitivities import delta_hedge


class Halfway(AbstractPositionPolicy):
    def inputs(self, view):
        return delta_hedge(view, view.volatility)

    def target(self, known, position):
        return 0.5 * (known + position)
"""
NUMBER = """act(self, known, own):
        return known[0], own.memory

    def target("""
DOCS = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
WHOLE = 20 / 365


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tenrec.Run:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "mine.py").write_text(HALFWAY, encoding="utf-8")
    config = tiny(
        policy={"kind": "recurrent", "hidden": [4], "state": 2, "ensemble": True},
        rivals=[
            {"kind": "delta_residual", "hidden": [4], "bound": 0.05, "ensemble": True},
            {"kind": "custom", "make": "mine.py:Halfway", "name": "halfway"},
        ],
        training={"updates": 2, "paths": 64, "validation_paths": 64, "per_dispatch": 2, "seeds": 2},
        evaluate={"paths": 100, "against": ["black_scholes_delta"]},
    )
    (folder / "hedge.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    made = tenrec.hedge(folder / "hedge.yaml", out=folder / "run")
    # What is in the run folder has to be enough.
    (folder / "mine.py").unlink()
    return tenrec.load(made.path)


def test_an_ensemble_comes_back_with_a_score_of_its_own(run: tenrec.Run):
    section = run.metrics["training"]
    assert isinstance(run.policy("recurrent").policy, OwnBandEnsemble)
    residual = run.policy("delta_residual").policy
    assert isinstance(residual, PositionEnsemble)
    assert len(residual.members) == len(section["delta_residual"]["seeds_bp"]) == 2
    assert section["delta_residual"]["validation_bp"] not in section["delta_residual"]["seeds_bp"]


def test_a_rule_without_numbers_to_learn_is_judged_as_it_is(run: tenrec.Run):
    spot, position = np.array([0.95, 1.0, 1.05]), 0.2
    delta = run.policy("black_scholes_delta").target(spot=spot, time_to_maturity=WHOLE)
    held = run.policy("halfway").target(spot=spot, time_to_maturity=WHOLE, position=position)
    np.testing.assert_allclose(held, 0.5 * (delta + position), rtol=1e-5)
    assert run.metrics["training"]["halfway"]["updates"] == 0
    ledger = run.ledger("halfway")
    first = ledger.filter(ledger["date"] == 0)["position"].to_numpy()
    np.testing.assert_allclose(first, 0.5 * run.policy("black_scholes_delta").target(spot=1.0, time_to_maturity=WHOLE))


def test_a_correction_stays_within_its_bound_of_the_delta(run: tenrec.Run):
    spot = np.linspace(0.8, 1.2, 41)
    delta = run.policy("black_scholes_delta").target(spot=spot, time_to_maturity=0.02)
    held = run.policy("delta_residual").target(spot=spot, time_to_maturity=0.02, position=-3.0)
    assert 0.0 < np.abs(held - delta).max() <= 0.05 + 1e-6


def test_what_remembers_is_asked_at_its_first_date_alone(run: tenrec.Run, tmp_path: Path):
    handle, ledger = run.policy("recurrent"), run.ledger("recurrent")
    first = ledger.filter(ledger["date"] == 0)["position"].to_numpy()
    np.testing.assert_allclose(handle.target(spot=1.0, time_to_maturity=WHOLE), first[0], rtol=1e-5)
    edges = handle.band(spot=1.0, time_to_maturity=WHOLE)
    assert edges is not None
    np.testing.assert_allclose(handle.target(spot=1.0, time_to_maturity=WHOLE, position=9.0), edges[1], rtol=1e-5)
    with pytest.raises(InputError, match="remembers what it saw before"):
        handle.target(spot=1.0, time_to_maturity=0.02)
    with pytest.raises(WorkError, match="remembers what it saw before"):
        export_run(run, policy="recurrent", out=tmp_path / "policy.pyz")
    assert "recurrent" not in run.folder.read_table("curves")["policy"].unique()


def test_an_ensemble_of_bands_is_the_band_between_the_mean_edges():
    view = states()
    members = [WhalleyWilmott(jnp.asarray(0.002), jnp.asarray(aversion)) for aversion in (5.0, 50.0)]
    both = ensemble(members)
    assert isinstance(both, BandEnsemble)
    found = both.edges(both.inputs(view))
    wanted = [member.edges(member.inputs(view)) for member in members]
    for side in (0, 1):
        np.testing.assert_allclose(found[side], (wanted[0][side] + wanted[1][side]) / 2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ({"kind": "custom"}, "give make: FILE.py:NAME"),
        ({"kind": "custom", "make": "nowhere.py:A"}, "nowhere.py, which cannot be read"),
        ({"kind": "custom", "make": "m.py:B", "source": HALFWAY}, "m.py holds no class or function B"),
        ({"kind": "custom", "make": "m.py:f", "source": "def f(view): return 1.0"}, "gives a float"),
        ({"kind": "custom", "make": "m.py:f", "source": "def f(size): return 1.0"}, "cannot be made .TypeError"),
        (
            {"kind": "custom", "make": "m.py:Halfway", "source": HALFWAY.replace("0.5 *", "1.0 if known[0] > 0 else")},
            "cannot be traced by JAX",
        ),
        (
            {"kind": "custom", "make": "m.py:Halfway", "source": HALFWAY.replace("target(", NUMBER)},
            r"holds shape \(\); units of 1 instruments",
        ),
        ({"kind": "band_network", "make": "m.py:A"}, "make was given for kind band_network"),
        ({"kind": "delta_residual", "features": ["volatility", "wealth"]}, "a delta_residual does not take"),
        ({"kind": "recurrent", "features": ["volatility", "position"]}, "a recurrent does not take"),
        ({"kind": "band_network", "ensemble": True}, "is an ensemble and training.seeds is 1"),
    ],
)
def test_what_cannot_be_is_refused(policy: dict[str, Any], problem: str):
    with pytest.raises(ConfigError, match=problem):
        preflight(load_config(tiny(policy=policy)), Path())


class Flat(AbstractPositionPolicy):
    """Half a unit, whatever happens."""

    def inputs(self, view):
        return jnp.full_like(view.price, 0.5)

    def target(self, known, position):
        return known


def test_a_class_is_taken_along_as_its_source():
    config = load_config(tiny(policy={"kind": "custom", "make": Flat}))
    assert config.policy.make == "test_policy_kinds.py:Flat"
    assert "class Flat" in (config.policy.source or "")


def test_the_documented_configuration_and_policy_are_taken(tmp_path: Path):
    """Everything but the training: the file is read, made, traced and written into the configuration."""
    text = DOCS.read_text(encoding="utf-8")
    found = dict(re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    (tmp_path / "my_policy.py").write_text(found["python"], encoding="utf-8")
    (tmp_path / "hedge.yaml").write_text(found["yaml"], encoding="utf-8")
    config = load_config(tmp_path / "hedge.yaml")
    assert config.rivals[1].source == found["python"]
    preflight(config, tmp_path)
