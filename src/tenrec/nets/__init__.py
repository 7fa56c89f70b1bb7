"""Networks and the one loop that fits them."""

from tenrec.nets.columns import columnar
from tenrec.nets.fit import FitSettings, FitState, Progress, best_models, fit, start
from tenrec.nets.mlp import ACTIVATIONS, Network, make_network
from tenrec.nets.store import read_arrays, save_arrays

__all__ = [
    "ACTIVATIONS",
    "FitSettings",
    "FitState",
    "Network",
    "Progress",
    "best_models",
    "columnar",
    "fit",
    "make_network",
    "read_arrays",
    "save_arrays",
    "start",
]
