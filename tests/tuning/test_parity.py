"""The notebook's loop and the engine, with its rule and its accounting, come to the same numbers."""

import numpy as np
import pytest

from tenrec.hedging.policies import cadence_threshold
from tenrec.tuning.book import Book, Leg
from tenrec.tuning.scoring import score_one
from tests.tuning import notebook
from tests.tuning.desk import costs, ticks_of, window_of

COUNT = 3000


@pytest.mark.parametrize(
    "rule",
    [
        notebook.Rule(60.0, 1.0, 1.0, 0.25),
        notebook.Rule(300.0, 0.05, 0.9, 0.01),
        notebook.Rule(1e9, 0.02, 1.0, 0.5),
        notebook.Rule(30.0, 1e9, 0.8, 0.10),
    ],
)
@pytest.mark.usefixtures("x64")
def test_same_pnl_cost_and_count_as_the_notebook(rule: notebook.Rule):
    time, spot, volatility = notebook.ticks(COUNT)
    net, cost, count = notebook.run(rule, (time, spot, volatility))
    ticks = ticks_of(spot, interval=notebook.INTERVAL, volatility=volatility)
    leg = Leg("call", notebook.STRIKE, notebook.DAYS * 86_400.0, notebook.UNITS, relative=False)
    book = Book(notebook.NOTIONAL, (leg,), "inverse_swept", day_count=365.25)
    mapped = cadence_threshold(
        cadence_seconds=rule.cadence,
        delta_threshold=rule.threshold / (notebook.NOTIONAL / spot[0]),
        hedge_ratio=rule.ratio,
        gamma_scalp_threshold=1e9,
        max_hedge_per_interval=rule.largest,
    )
    found = score_one(mapped, window_of(ticks, book, mark="expansion"), costs(notebook.FEE)).tally
    assert float(found.hedges) == count
    np.testing.assert_allclose(float(found.cost), cost, rtol=1e-11)
    np.testing.assert_allclose(float(found.wealth), net, rtol=1e-9)
