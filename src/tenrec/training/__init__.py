"""Training of hedges."""

from tenrec.training.hedge import Objective, local_objective, loss_per_spot, ridge, terminal_objective

__all__ = ["Objective", "local_objective", "loss_per_spot", "ridge", "terminal_objective"]
