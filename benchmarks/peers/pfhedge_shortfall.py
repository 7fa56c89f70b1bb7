"""pfhedge at work: its default network under the expected shortfall, trained and judged; one request, one seed."""

# pyright: reportMissingImports=false
import json
import sys
import time

import torch
from pfhedge.instruments import BrownianStock, EuropeanOption
from pfhedge.nn import ExpectedShortfall, Hedger, MultiLayerPerceptron

STEPS, DT, CHUNK = 30, 1.0 / 250.0, 50_000
FEATURES = ["log_moneyness", "time_to_maturity", "volatility", "prev_hedge"]


def shortfall(pnl: torch.Tensor) -> float:
    """Mean of the worst 10 %."""
    worst = torch.sort(pnl.double()).values[: len(pnl) // 10]
    return -float(worst.mean())


def main() -> None:
    """Answer requests {seed, updates, paths, evaluate} with {seconds, shortfall}."""
    for line in sys.stdin:
        request = json.loads(line)
        torch.manual_seed(request["seed"])
        # Its number of dates is ceil(maturity/dt + 1); half a period less than 30 keeps rounding from adding one.
        option = EuropeanOption(BrownianStock(sigma=0.2, cost=1e-3, dt=DT), maturity=(STEPS - 0.5) * DT)
        hedger = Hedger(MultiLayerPerceptron(), FEATURES, criterion=ExpectedShortfall(0.1))
        began = time.perf_counter()
        hedger.fit(option, n_paths=request["paths"], n_epochs=request["updates"], verbose=False)
        seconds = time.perf_counter() - began
        with torch.no_grad():
            chunks = [min(CHUNK, request["evaluate"] - done) for done in range(0, request["evaluate"], CHUNK)]
            pnl = torch.cat([hedger.compute_pnl(option, n_paths=size) for size in chunks])
        print(json.dumps({"seconds": seconds, "shortfall": shortfall(pnl)}), flush=True)


if __name__ == "__main__":
    main()
