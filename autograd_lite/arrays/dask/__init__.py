"""Dask arrays: the recorded program runs on their blocks, a block at a time, as one Dask graph."""
