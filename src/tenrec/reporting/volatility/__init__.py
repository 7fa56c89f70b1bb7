"""Reports of `tenrec vol`."""
