"""A run with a listed option, from its configuration to the advice that it gives."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import tenrec
from tenrec.cli.app import app
from tenrec.hedging.assess import assess
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import Static
from tenrec.runs.loading import load_config
from tenrec.runs.run import Run
from tenrec.runs.simulated import Simulation
from tenrec.runs.static_units import static_units
from tests.runs.tiny import TINY, tiny

OPTION = {"kind": "call", "days": 10, "every": 5, "roll_at": 5, "costs": {"proportional": 0.01}}
CONFIG = tiny(
    hedge_with=["spot", {"option": OPTION}],
    policy={"kind": "feed_forward", "hidden": [4]},
    evaluate=TINY["evaluate"] | {"against": ["no_hedge", "black_scholes_delta", "delta_gamma", "static"]},
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tenrec.hedge(CONFIG, out=tmp_path_factory.mktemp("options") / "run")


def test_positions_of_the_ledger_are_the_sum_of_its_trades(run: Run):
    """Units held are what was traded less what was closed at a roll."""
    for name in ("feed_forward", "delta_gamma", "static"):
        rows = run.ledger(name).sort("path", "date")
        held = (pl.col("trade_2") - pl.col("closed_2")).cum_sum().over("path")
        assert rows.select((held - pl.col("position_2")).abs().max()).item() < 1e-5
        assert rows["closed_2"].abs().max() > 0.0
        assert np.isfinite(rows.select(pl.col(pl.Float32, pl.Float64)).to_numpy()).all()
    assert {"option_2_moneyness", "option_2_sqrt_time"} <= set(run.config.policy.features)


def test_targets_and_advice_agree(run: Run):
    where = {"option_2_strike": 1.02, "option_2_time": 7 / 365}
    targets = run.policy().targets(spot=1.01, time_to_maturity=15 / 365, positions=[0.2, -0.4], **where)
    assert targets.shape == (2,)
    told = [
        "--instrument",
        "position_2=-0.4",
        "--instrument",
        "option_2_strike=1.02",
        "--instrument",
        "option_2_days=7",
    ]
    asked = ["--spot", "1.01", "--days-to-expiry", "15", "--position", "0.2", *told, "--json"]
    result = CliRunner().invoke(app, ["advise", str(run.folder.path), *asked])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    np.testing.assert_allclose(found["hold"], targets[0], rtol=1e-5, atol=1e-7)
    assert "-0.4" in json.dumps(found["instruments"])
    wrong = CliRunner().invoke(app, ["advise", str(run.folder.path), *asked, "--instrument", "position_3=1"])
    assert wrong.exit_code != 0
    with pytest.raises(tenrec.core.errors.InputError, match="3 positions were given"):
        run.policy().targets(spot=1.0, time_to_maturity=15 / 365, positions=[0.0, 0.0, 0.0])


def test_static_units_leave_the_least_variance():
    """Against NumPy's least squares on what each instrument gained, and against small moves away from it."""
    simulation = Simulation(load_config(CONFIG), Path())
    sample, free = simulation.sample(jax.random.key(4), 2000), Terms(margined=simulation.terms.margined)
    found = static_units(sample, simulation.terms, hedged=False)

    def pnl(units: np.ndarray) -> np.ndarray:
        return np.asarray(assess({"it": Static(jnp.asarray(units, jnp.float32))}, sample, free)["it"].pnl, float)

    base = pnl(np.zeros(2))
    spot = np.asarray(sample.paths.spot, float)
    gains = np.stack([spot[:, -1] - spot[:, 0], pnl(np.array([0.0, 1.0])) - base], axis=1)
    known = np.linalg.lstsq(np.column_stack([gains, np.ones(len(base))]), -base, rcond=None)[0][:2]
    np.testing.assert_allclose(found, known, rtol=2e-3, atol=2e-3)
    for move in ([0.05, 0.0], [-0.05, 0.0], [0.0, 0.05], [0.0, -0.05]):
        assert pnl(found).var() < pnl(found + np.array(move)).var()
