"""The first year of the national axis, played again: `docaxis simulate 2019`.

Start with `report_2019` (what is to come out), then `plan` (who sends what to whom), `playing` (the
run over the public interface) and `axis` (an axis of its own to run on).
"""
