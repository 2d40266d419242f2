"""If it is not here, get it: one module a vendor behind the interface in `source.py`."""
