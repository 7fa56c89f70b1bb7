"""An exported rule as production reads it: advice, and a replay that ends where the run's own comparison did."""

from pathlib import Path

import pytest
import yaml

from tenrec.core.errors import ConfigError, InputError
from tenrec.runs.tuning.api import tune
from tenrec.runs.tuning.production import advise_rule, load_rule, replay_rule
from tests.runs.tuning.small import SMALL


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tune(SMALL, out=tmp_path_factory.mktemp("tune") / "run", images=False)
    return run.path / "hedging_config_optimized.yml"


def test_a_replay_ends_where_the_comparison_did(exported: Path):
    windows = replay_rule(exported, SMALL["ticks"] | {"source": "generated"})
    assert windows["weeks"] == 4
    # Other ticks: the default seed is not the run's.
    assert windows["hedges"] > 0
    assert windows["net_pnl"] == pytest.approx(windows["total_pnl"] - windows["cost"])


def test_advice_hedges_the_delta_when_due_and_stays_when_not(exported: Path):
    common = {"spot": 52_000.0, "days_to_expiry": 20.0, "entry_spot": 50_000.0, "implied_vol": 0.6}
    due = advise_rule(exported, **common)
    delta = due["black_scholes_delta"]
    assert delta > 0  # a straddle that was sold is short delta above its strike
    assert due["hold"] == pytest.approx(load_rule(exported).config.rule.hedge_ratio * delta)
    still = advise_rule(exported, **common, position=delta, seconds_since_hedge=1.0)
    assert still["trade"] == 0.0
    assert still["band"][0] < delta < still["band"][1]
    outside = advise_rule(exported, **common, position=delta + 10.0, seconds_since_hedge=1.0)
    assert outside["trade"] < 0
    assert "left its band" in outside["why"]


def test_what_is_no_exported_rule_is_refused(exported: Path, tmp_path: Path):
    (tmp_path / "other.yml").write_text(yaml.safe_dump({"book": {}}))
    with pytest.raises(ConfigError, match="no section 'hedging'"):
        load_rule(tmp_path / "other.yml")
    with pytest.raises(InputError, match="--spot is -1"):
        advise_rule(exported, spot=-1.0, days_to_expiry=20.0)
