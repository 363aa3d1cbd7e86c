"""Data for training: HDF5 files, pictures, data sets larger than memory, Dask inputs, batches."""

from .batches import ArrayData, Batch, Data, batches
from .dask_inputs import dask_arrays
from .datasets import H5Dataset, write_dataset, write_pictures
from .hdf5 import FileFormatError
from .pictures import flatten, load_data

__all__ = [
    "ArrayData",
    "Batch",
    "Data",
    "FileFormatError",
    "H5Dataset",
    "batches",
    "dask_arrays",
    "flatten",
    "load_data",
    "write_dataset",
    "write_pictures",
]
