"""The assets, one module a stage of the flow."""
