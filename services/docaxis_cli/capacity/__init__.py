"""What a country needs, computed from what `make bench` measured: `docaxis capacity`.

`measured` reads the benchmark's JSON, `demand` holds the assumptions (every one an option),
`sizing` is the arithmetic, `page` says it in Markdown and tables.
"""
