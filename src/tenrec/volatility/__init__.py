"""Volatility: measured from prices, forecast, and followed through its regimes; every result can feed a hedge."""
