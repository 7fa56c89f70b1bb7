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
from tenrec.reporting import figures
from tenrec.reporting.page import report_html
from tenrec.runs.loading import load_config
from tenrec.runs.report import report_data
from tenrec.runs.run import Run
from tenrec.runs.simulated import Simulation
from tenrec.runs.static_units import static_units
from tests.runs.tiny import tiny

OPTION = {"kind": "call", "days": 10, "every": 5, "roll_at": 5, "costs": {"proportional": 0.01}}
CONFIG = tiny(
    hedge_with=["spot", {"option": OPTION}],
    policy={"kind": "feed_forward", "hidden": [4]},
    evaluate={"paths": 200, "against": ["no_hedge", "delta_gamma", "static"], "reference": "no_hedge"},
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
    expired = CliRunner().invoke(app, ["advise", str(run.folder.path), *asked, "--instrument", "option_2_days=0"])
    assert "option_2_days is 0; a positive number is needed" in str(expired.exception)
    with pytest.raises(tenrec.core.errors.InputError, match="3 positions were given"):
        run.policy().targets(spot=1.0, time_to_maturity=15 / 365, positions=[0.0, 0.0, 0.0])


def test_the_report_shows_every_instrument(run: Run):
    """Positions, gains and costs of the option stand beside those of the spot, and sum to the ledger's."""
    data = report_data(run.folder)
    assert data.instruments == ("spot", "listed call at the money, 10 days, rolled every 5 days")
    drawn = figures(data)
    titles = {name: [note.text for note in drawn[name].layout.annotations] for name in ("replay", "further_ratio")}
    assert any(data.instruments[1] in title for title in titles["replay"])
    assert all(data.instruments[1] in title for title in titles["further_ratio"])
    held = np.concatenate([np.asarray(trace.y, float) for trace in drawn["further_ratio"].data])
    assert np.abs(held).max() > 0.01
    assert data.by_instrument is not None
    ledger = run.ledger("delta_gamma")
    own = data.by_instrument.filter(pl.col("policy") == "delta_gamma")
    paths, spot = ledger["path"].n_unique(), ledger["spot"][0]
    assert own["cost_bp"].sum() == pytest.approx(1e4 * ledger["cost"].sum() / paths / spot, rel=1e-5)
    rolled = ledger.filter(pl.col("date") < ledger["date"].max())
    traded = rolled["trade_2"].abs().sum() + rolled["closed_2"].abs().sum()
    assert own["traded"][1] == pytest.approx(traded / paths, rel=1e-6)
    page = report_html(data)
    assert "By instrument" in page
    assert data.ladder is not None
    assert data.stresses is not None


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
