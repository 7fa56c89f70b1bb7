"""Closed and semi-closed option prices, one module a model."""

from tenrec.pricing import black_scholes, heston, implied, jumps, sabr

__all__ = ["black_scholes", "heston", "implied", "jumps", "sabr"]
