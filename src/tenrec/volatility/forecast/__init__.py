"""Forecasts of tomorrow's, next week's and next month's variance, and how well they do."""

__all__: list[str] = []
