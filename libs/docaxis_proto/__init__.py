"""Generated from `proto/docaxis_proto/` by `make proto`; never edited by hand."""
