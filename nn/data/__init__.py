"""Data for training: HDF5 files, pictures, data sets larger than memory, Dask inputs, batches."""

from nn.data.batches import ArrayData, Batch, Data, batches
from nn.data.dask_inputs import dask_arrays
from nn.data.datasets import H5Dataset, write_dataset, write_pictures
from nn.data.hdf5 import FileFormatError
from nn.data.pictures import flatten, load_data

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
