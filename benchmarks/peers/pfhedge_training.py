"""pfhedge at work: train its network hedger on fresh paths; one request is one round of updates."""

# pyright: reportMissingImports=false
import json
import sys
import time

import torch
from pfhedge.instruments import BrownianStock, EuropeanOption
from pfhedge.nn import EntropicRiskMeasure, Hedger, MultiLayerPerceptron

STEPS, DAY = 30, 1.0 / 365.0
FEATURES = ["log_moneyness", "time_to_maturity", "volatility", "prev_hedge"]


def main() -> None:
    """Answer requests {updates, paths} with {seconds, cpu_seconds, path_steps, loss}."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Its number of dates is ceil(maturity/dt + 1); half a period less than 30 keeps rounding from adding one.
    option = EuropeanOption(BrownianStock(sigma=0.2, cost=1e-3, dt=DAY), maturity=(STEPS - 0.5) * DAY)
    network = MultiLayerPerceptron(in_features=len(FEATURES), n_units=(64, 32), n_layers=2)
    hedger = Hedger(network, FEATURES, criterion=EntropicRiskMeasure(a=20.0))
    optimizer = torch.optim.Adam(hedger.parameters(), lr=1e-3)
    for line in sys.stdin:
        request = json.loads(line)
        began, cpu = time.perf_counter(), time.process_time()
        history = hedger.fit(
            option,
            n_paths=request["paths"],
            n_epochs=request["updates"],
            optimizer=optimizer,
            validation=False,
            verbose=False,
        )
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        steps = option.underlier.spot.shape[1] - 1
        del history
        answer = {
            "seconds": seconds,
            "cpu_seconds": cpu,
            "steps": steps,
            "path_steps": request["paths"] * request["updates"] * steps,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
