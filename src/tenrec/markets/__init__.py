"""Markets: what gives paths."""

from tenrec.markets.arrays import ArraysMarket, split_rows
from tenrec.markets.base import AbstractMarket, simulate_blocks
from tenrec.markets.black_scholes import BlackScholesMarket
from tenrec.markets.bootstrap import BootstrapMarket
from tenrec.markets.calibrate import calibrate_heston
from tenrec.markets.draws import Sampling
from tenrec.markets.heston import HestonMarket, HestonParameters

MARKETS: dict[str, type[AbstractMarket]] = {
    "arrays": ArraysMarket,
    "black_scholes": BlackScholesMarket,
    "bootstrap": BootstrapMarket,
    "heston": HestonMarket,
}

__all__ = [
    "MARKETS",
    "AbstractMarket",
    "ArraysMarket",
    "BlackScholesMarket",
    "BootstrapMarket",
    "HestonMarket",
    "HestonParameters",
    "Sampling",
    "calibrate_heston",
    "simulate_blocks",
    "split_rows",
]
