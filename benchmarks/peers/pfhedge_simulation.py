"""pfhedge at work: simulate paths and keep them; one request is one block of one model."""

# pyright: reportMissingImports=false
import json
import sys
import time

import torch
from pfhedge.stochastic import (
    generate_geometric_brownian,
    generate_heston,
    generate_merton_jump,
    generate_rough_bergomi,
)

# Its defaults are the parameters that the other side takes.
MODELS = {
    "black_scholes": generate_geometric_brownian,
    "heston": generate_heston,
    "merton": generate_merton_jump,
    "rough_bergomi": generate_rough_bergomi,
}


def main() -> None:
    """Answer requests {model, paths, steps, dt} with {cpu_seconds} of processor time."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for line in sys.stdin:
        request = json.loads(line)
        began = time.process_time()
        made = MODELS[request["model"]](request["paths"], request["steps"] + 1, dt=request["dt"])
        seconds = time.process_time() - began
        spot = made if isinstance(made, torch.Tensor) else made.spot
        if spot.shape != (request["paths"], request["steps"] + 1):
            raise RuntimeError(f"paths of shape {tuple(spot.shape)} were made")
        print(json.dumps({"cpu_seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
