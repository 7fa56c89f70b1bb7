"""Hedging instruments of the configuration: own costs and limits, and what cannot be hedged with."""

import numpy as np
import pytest

from tenrec.core.errors import ConfigError
from tenrec.runs.loading import load_config
from tenrec.runs.terms import build_terms

CALL = {"kind": "call", "days": 30}
BASE = {"market": {"model": "heston"}, "policy": {"kind": "feed_forward"}, "hedge_with": ["spot", {"option": CALL}]}


def test_each_instrument_has_its_own_costs_and_limits():
    own = {**CALL, "costs": {"proportional": 0.02, "fixed": 0.1}, "limits": {"position": 2}}
    config = load_config({**BASE, "hedge_with": ["spot", "variance_swap", {"option": own}]})
    terms = build_terms(config)
    np.testing.assert_allclose(terms.costs[0].rate, [0.001, 0.001, 0.02])
    np.testing.assert_allclose(terms.costs[1].fee, [0.0, 0.0, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(terms.limits.position, [np.inf, np.inf, 2.0])
    assert load_config(config) == config
    assert "option_3_moneyness" in config.policy.features


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hedge_with": ["spot", {"option": {"kidn": "call"}}]}, "did you mean 'kind'"),
        ({"hedge_with": ["spot", {"option": {"strike": 1, "delta": 0.5}}]}, "an option has one strike"),
        ({"hedge_with": ["spot", {"option": {"roll_at": 3}}]}, "needs every"),
        ({"hedge_with": ["spot", {}]}, "names no instrument"),
        ({"hedge_with": ["spot", "option"]}, "an option needs its terms, such as {option: "),
        (
            {"hedge_with": ["spot", {"option": {"strike": 100}}]},
            "strike is 100 and market.spot is 1; a strike is a price",
        ),
        ({"market": {"model": "sabr"}}, "has no option prices of its own"),
        ({"hedge_with": ["spot"], "evaluate": {"against": ["black_scholes_delta", "delta_gamma"]}}, "add one"),
        ({"evaluate": {"static_units": [1.0]}}, "give the units of each"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(changes: dict, says: str):
    with pytest.raises(ConfigError, match=says):
        load_config({**BASE, **changes})


def test_a_limit_that_forbids_every_hedge_names_its_instrument():
    config = load_config({**BASE, "hedge_with": ["spot", {"option": {**CALL, "limits": {"position": 0}}}]})
    with pytest.raises(ConfigError, match="instrument 2 is 0, which forbids every hedge"):
        build_terms(config)
