"""What exists: one module a stage, in the order of the flow."""
