"""Reports of `tenrec vol`."""

__all__: list[str] = []
