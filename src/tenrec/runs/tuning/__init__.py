"""Tuning runs: configuration, run folder, recipe, exports."""

__all__: list[str] = []
