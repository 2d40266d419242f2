"""Sources of data: one module or folder per vendor behind the interfaces of `source.py`."""
