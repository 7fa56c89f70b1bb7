"""Put–call parity, robustly."""

import numpy as np

from tenrec.pricing.parity import fit_parity

STRIKE = np.linspace(80.0, 120.0, 21)


def test_a_line_is_found_exactly():
    found = fit_parity(STRIKE, 0.97 * (103.0 - STRIKE))
    assert np.isclose(found.forward, 103.0, rtol=1e-12)
    assert np.isclose(found.discount, 0.97, rtol=1e-12)
    assert found.pairs == 21


def test_stale_quotes_do_not_move_it():
    difference = 0.97 * (103.0 - STRIKE) + np.random.default_rng(0).normal(0.0, 0.01, 21)
    difference[[2, 17]] += [8.0, -5.0]
    found = fit_parity(STRIKE, difference)
    plain = -np.polyfit(STRIKE, difference, 1)[0]
    assert abs(found.discount - 0.97) < 0.001 < abs(plain - 0.97)
    assert abs(found.forward - 103.0) < 0.02


def test_standard_errors_are_those_that_repeated_samples_show():
    rng = np.random.default_rng(1)
    fits = [fit_parity(STRIKE, 0.97 * (103.0 - STRIKE) + rng.normal(0.0, 0.05, 21)) for _ in range(400)]
    for name in ("forward", "discount"):
        spread = np.std([getattr(fit, name) for fit in fits])
        said = np.mean([getattr(fit, f"{name}_error") for fit in fits])
        assert 0.75 < said / spread < 1.2
