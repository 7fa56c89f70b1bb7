"""The cadence-and-threshold rule, one decision at a time."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.hedging.policies import CadenceMemory, Own, RuleView, cadence_threshold

NEVER = 1e12
CALM = {
    "cadence_seconds": NEVER,
    "delta_threshold": NEVER,
    "gamma_scalp_threshold": NEVER,
    "max_hedge_per_interval": NEVER,
    "cost": 6e-4,
}


def seen(**changes: float | bool) -> RuleView:
    """A book of 20 units and a million at spot 50,000, with a delta of −4."""
    numbers = {
        "time": 1000.0,
        "spot": 50_000.0,
        "delta": -4.0,
        "gamma": -4e-4,
        "log_volatility": 0.0,
        "delta_per_contract": 1.0,
        "units": 20.0,
        "notional": 1e6,
        "tradable": True,
    }
    return RuleView(**{name: jnp.asarray(value, float) for name, value in {**numbers, **changes}.items()})


def decide(view: RuleView, held: float, *, last: float = 900.0, last_spot: float = 50_000.0, trigger="either", **rule):
    policy = cadence_threshold(**{**CALM, **rule}, trigger=trigger)
    memory = CadenceMemory(jnp.asarray(last, float), jnp.asarray(last_spot, float))
    own = Own(jnp.asarray([held], float), jnp.asarray(0.0), memory)
    target, memory = policy.act(view, own)
    return float(target[0]), memory


@pytest.mark.usefixtures("x64")
class TestRule:
    def test_hedges_when_the_cadence_has_passed(self):
        assert decide(seen(), 0.0, cadence_seconds=100.0)[0] == 4.0
        assert decide(seen(), 0.0, cadence_seconds=101.0)[0] == 0.0

    def test_hedges_when_net_delta_leaves_the_band(self):
        assert decide(seen(), 0.0, delta_threshold=0.19)[0] == 4.0
        assert decide(seen(), 0.0, delta_threshold=0.21)[0] == 0.0
        assert decide(seen(), 1.0, delta_threshold=0.16)[0] == 1.0  # 3 of 20 units are left

    def test_both_conditions_may_be_asked_for(self):
        both = {"delta_threshold": 0.1, "cadence_seconds": 200.0, "trigger": "both"}
        assert decide(seen(), 0.0, **both)[0] == 0.0
        assert decide(seen(time=1100.0), 0.0, **both)[0] == 4.0

    def test_trades_a_ratio_and_at_most_its_limit(self):
        assert decide(seen(), 0.0, cadence_seconds=1.0, hedge_ratio=0.8)[0] == pytest.approx(3.2)
        # 0.1 of a million at 50,000 is 2 units.
        assert decide(seen(), 0.5, cadence_seconds=1.0, max_hedge_per_interval=0.1)[0] == pytest.approx(2.5)

    def test_hedges_back_to_the_edge_of_the_band_or_its_centre(self):
        assert decide(seen(), 0.0, delta_threshold=0.1, to_edge=1.0)[0] == pytest.approx(2.0)
        assert decide(seen(), 0.0, delta_threshold=0.1, to_edge=0.5)[0] == pytest.approx(3.0)

    def test_band_may_be_wider_on_one_side(self):
        short, long = seen(delta=-3.0), seen(delta=3.0)
        wide = {"delta_threshold": 0.1, "asymmetry": 2.0}  # from −1 to +4 units
        assert decide(short, 0.0, **wide)[0] == 3.0
        assert decide(long, 0.0, **wide)[0] == 0.0

    def test_band_scales_as_whalley_and_wilmott_say(self):
        """H ∝ (c·S·Γ²)^{1/3}: eightfold gamma makes it four times as wide, eightfold cost twice."""
        view = dataclasses.replace(seen(delta=-20.0), gamma=jnp.asarray(1e6 / 50_000.0**2))  # Γ·S² is the notional
        for gamma, cost, width in ((1.0, 6e-4, 2.0), (8.0, 6e-4, 8.0), (1.0, 48e-4, 4.0)):
            scaled = dataclasses.replace(view, gamma=view.gamma * gamma)
            kept = decide(scaled, 0.0, delta_threshold=0.1, gamma_scaling=1.0, to_edge=1.0, cost=cost)[0]
            assert 20.0 - kept == pytest.approx(width)

    def test_band_scales_with_volatility(self):
        view = dataclasses.replace(seen(delta=-20.0), log_volatility=jnp.log(jnp.asarray(1.5)))
        kept = decide(view, 0.0, delta_threshold=0.1, volatility_scaling=2.0, to_edge=1.0)[0]
        assert 20.0 - kept == pytest.approx(2.0 * 1.5**2)

    def test_takes_gamma_profits_at_once_and_without_the_limit(self):
        # ½·4e-4·ΔS² passes a hundredth of a million where |ΔS| passes 7,071.
        limits = {"gamma_scalp_threshold": 0.01, "max_hedge_per_interval": 0.01}
        assert decide(seen(spot=57_000.0), 0.0, **limits)[0] == 0.0
        assert decide(seen(spot=57_100.0), 0.0, **limits)[0] == 4.0

    def test_small_orders_are_not_made_and_not_remembered(self):
        rule = {"cadence_seconds": 1.0, "min_order": 0.25}  # 5 units
        held, memory = decide(seen(), 0.0, **rule)
        assert held == 0.0
        assert float(memory.time) == 900.0

    def test_does_not_trade_in_a_gap(self):
        held, memory = decide(seen(tradable=False), 0.0, cadence_seconds=1.0)
        assert held == 0.0
        assert float(memory.time) == 900.0

    def test_remembers_when_and_where_it_hedged(self):
        _, memory = decide(seen(spot=51_000.0), 0.0, cadence_seconds=1.0)
        assert (float(memory.time), float(memory.spot)) == (1000.0, 51_000.0)

    def test_contracts_of_one_dollar_hold_the_same_delta(self):
        inverse = seen(delta_per_contract=1 / 50_000.0)
        held, _ = decide(inverse, 0.0, cadence_seconds=1.0)
        np.testing.assert_allclose(held, 4.0 * 50_000.0)

    def test_first_date_is_due(self):
        policy = cadence_threshold(**CALM)
        target, _ = policy.act(seen(), Own(jnp.zeros(1), jnp.asarray(0.0), policy.start()))
        assert float(target[0]) == 4.0
