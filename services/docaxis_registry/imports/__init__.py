"""Importing organisations from a file: read, put in order, sent slice by slice, each row answered.

`rows` makes rows of CSV and JSON, `columns` knows their names in two languages, `plan` puts parents
before children, `sending` hands them to a registry's RPC, wherever it runs.
"""
