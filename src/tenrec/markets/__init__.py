"""Markets: what gives paths."""

from tenrec.markets.arrays import ArraysMarket, split_rows
from tenrec.markets.base import AbstractMarket, simulate_blocks
from tenrec.markets.basket import BasketMarket
from tenrec.markets.bates import BatesMarket
from tenrec.markets.black_scholes import BlackScholesMarket
from tenrec.markets.bootstrap import BootstrapMarket
from tenrec.markets.calibrate import calibrate_heston
from tenrec.markets.clock import ClockMarket
from tenrec.markets.draws import Sampling
from tenrec.markets.garch import GarchMarket
from tenrec.markets.heston import HestonMarket, HestonParameters
from tenrec.markets.kou import KouMarket
from tenrec.markets.merton import MertonMarket
from tenrec.markets.regimes import RegimesMarket
from tenrec.markets.rough_bergomi import RoughBergomiMarket
from tenrec.markets.sabr import SabrMarket
from tenrec.markets.uncertain import UncertainMarket

MARKETS: dict[str, type[AbstractMarket]] = {
    "arrays": ArraysMarket,
    "bates": BatesMarket,
    "black_scholes": BlackScholesMarket,
    "bootstrap": BootstrapMarket,
    "garch": GarchMarket,
    "heston": HestonMarket,
    "kou": KouMarket,
    "merton": MertonMarket,
    "regimes": RegimesMarket,
    "rough_bergomi": RoughBergomiMarket,
    "sabr": SabrMarket,
    "uncertain": UncertainMarket,
}

__all__ = [
    "MARKETS",
    "AbstractMarket",
    "ArraysMarket",
    "BasketMarket",
    "BatesMarket",
    "BlackScholesMarket",
    "BootstrapMarket",
    "ClockMarket",
    "GarchMarket",
    "HestonMarket",
    "HestonParameters",
    "KouMarket",
    "MertonMarket",
    "RegimesMarket",
    "RoughBergomiMarket",
    "SabrMarket",
    "Sampling",
    "UncertainMarket",
    "calibrate_heston",
    "simulate_blocks",
    "split_rows",
]
