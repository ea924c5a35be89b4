"""The demonstration: one signed letter from the Government Office to two provinces, and back.

`letter` makes the PDF, `scenario` plays and checks, `report` tells it to people, `demo` is the
command. All names of persons are samples.
"""
