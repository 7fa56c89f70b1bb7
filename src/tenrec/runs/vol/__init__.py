"""Recipes of `tenrec vol`: read prices, forecast, watch, write."""

__all__: list[str] = []
