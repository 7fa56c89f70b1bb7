"""Contracts as a configuration names them: documented examples, later sales, custom payoffs, and refusals."""

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

import tenrec
from tenrec.core.errors import ConfigError
from tenrec.runs.build import build_contract, build_market, legs_of
from tenrec.runs.config import HedgeConfig
from tenrec.runs.fair import premium_of
from tenrec.runs.loading import load_config
from tenrec.runs.preflight import preflight

DOCS = Path(__file__).resolve().parents[2] / "docs" / "contracts.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
YAML = [text for language, text in BLOCKS if language == "yaml"]
CODE = next(text for language, text in BLOCKS if language == "python")


@pytest.mark.parametrize("number", range(len(YAML)))
def test_documented_examples(number: int, tmp_path: Path):
    (tmp_path / "payoff.py").write_text(CODE, encoding="utf-8")
    file = tmp_path / "run.yaml"
    file.write_text(YAML[number], encoding="utf-8")
    config = load_config(file)
    preflight(config, tmp_path)
    paths = build_market(config, tmp_path).simulate(jax.random.key(0), 32)
    flows = jax.vmap(build_contract(config).flows)(paths.spot)
    assert np.isfinite(flows).all()
    assert np.asarray(flows).any()


def of(**contract: Any) -> HedgeConfig:
    market = {"model": "black_scholes", "spot": 100.0, "volatility": 0.2, "rate": 0.04}
    days = contract.pop("grid", contract.get("days", 20))
    return load_config({"market": market, "contract": contract, "grid": {"steps": int(days)}})


def test_a_roll_is_worth_its_first_sale():
    """Later sales are made at their value, so that they add nothing to what the book is worth."""
    rolled = of(
        kind="european_call", strike=101.0, days=10, roll={"every_days": 5, "times": 2}, implied_vol=0.2, grid=20
    )
    assert [leg.days for leg in legs_of(rolled)] == [10, 15, 20]
    single = of(kind="european_call", strike=101.0, days=10)
    values = [
        premium_of(config.model_copy(update={"premium": "fair"}), build_contract(config), build_market(config, Path()))
        for config in (rolled, single)
    ]
    assert abs(values[0].value - values[1].value) < 3.0 * values[0].standard_error
    assert 0.0 < values[0].standard_error < 0.01


def test_a_later_sale_brings_its_premium_when_it_is_made():
    book = build_contract(of(kind="european_put", strike=100.0, days=20, sale_days=5, implied_vol=0.3))
    spot = jnp.asarray(np.linspace(100.0, 80.0, 21))
    flows = np.asarray(book.flows(spot))
    assert np.flatnonzero(flows).tolist() == [5, 20]
    assert flows[20] == pytest.approx(-(float(spot[5]) - 80.0), rel=1e-5)
    assert flows[5] > 0


def test_a_custom_payoff_runs_from_python_and_from_its_folder(tmp_path: Path):
    config = {
        "contract": {"kind": "custom", "payoff": widest, "days": 4},
        "grid": {"steps": 4},
        "policy": {"kind": "feed_forward", "hidden": [4], "features": ["normalised_price", "payoff_so_far"]},
        "training": {"updates": 2, "per_dispatch": 2, "paths": 64, "validation_paths": 64},
        "evaluate": {"paths": 200, "against": ["no_hedge"], "reference": "no_hedge"},
    }
    run = tenrec.load(tenrec.hedge(config, out=tmp_path / "run").path)
    held = run.policy().target(spot=1.0, time_to_maturity=2 / 365, payoff_so_far=0.02)
    assert np.isfinite(held)
    assert "def widest" in (yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()))["contract"]["source"]


def widest(spot):
    return jnp.max(spot) - jnp.min(spot)


CUSTOM = {"kind": "custom", "path": "payoff.py", "name": "payoff"}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def payoff(spot): return spot", r"returns shape \(21,\) for 21 spots; it must return one number"),
        ("def payoff(spot): return 1.0 if spot[-1] > 1 else 0.0", "cannot be traced by JAX .*jnp.where"),
        ("def payoff(spot): return jnp.log(spot[-1] - 100.0)", "pays nan on a path .* guard"),
        ("def payoff(spot): return jnp.where(spot[-1] < 1, 0.0, jnp.sqrt(0.0 * spot[0]))", "has the derivative nan"),
        ("def other(spot): return spot[-1]", "contract.name is payoff, which payoff.py does not hold"),
        ("def payoff(spot) return", "cannot be run .*SyntaxError"),
    ],
)
def test_a_custom_payoff_that_cannot_be_used_is_refused(source: str, problem: str):
    with pytest.raises(ConfigError, match=problem):
        build_contract(of(**CUSTOM, source="import jax.numpy as jnp\n" + source, days=20))


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ({"kind": "lookback_call", "barrier": 1.0}, "barrier was given for kind lookback_call; leave it out"),
        ({"kind": "forward_start_call"}, "start_days was not given"),
        ({"kind": "forward_start_call", "start_days": 30}, "start_days must come before it"),
        ({"kind": "variance_swap"}, "give a volatility, such as 0.2"),
        ({"kind": "cliquet", "reset_days": 6}, "days must be a multiple of reset_days"),
        ({"kind": "cliquet", "reset_days": 5, "local_floor": 0.1, "local_cap": 0.1}, "the floor must be below the cap"),
        ({"kind": "cliquet", "reset_days": 5, "global_cap": 0.1, "pays": "at_resets"}, "known only at_expiry"),
        ({"kind": "american_put", "boundary": [90.0, 91.0]}, "has 2 levels for the 20 dates to expiry"),
        ({"kind": "european_call", "implied_vol": 0.2}, "implied_vol was given without"),
        ({"kind": "custom", "path": "nowhere.py", "name": "payoff"}, "nowhere.py, which cannot be read"),
        (CUSTOM | {"source": CODE, "name": "range_of_month"}, r"set evaluate: \{against: \[no_hedge\]"),
    ],
)
def test_what_cannot_be_is_refused(contract: dict[str, Any], problem: str):
    with pytest.raises(ConfigError, match=problem):
        preflight(of(**{"days": 20} | contract), Path())
