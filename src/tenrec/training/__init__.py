"""Training of hedges."""

from tenrec.training.hedge import Objective, fair_game_score, local_objective, loss_per_spot, ridge, terminal_objective
from tenrec.training.start import starting_aversion

__all__ = [
    "Objective",
    "fair_game_score",
    "local_objective",
    "loss_per_spot",
    "ridge",
    "starting_aversion",
    "terminal_objective",
]
