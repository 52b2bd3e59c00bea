"""The transparency report, from the exported log alone (DSA art. 15 and 24, Regulation (EU) 2024/2835).

These modules need nothing but Python and are handed out as one file, `rebuild.pyz`: whoever has the log
and the report's `about.json` gets the same bytes. `docs/record-format.md` describes both.
They import each other relatively, so that they work there as they do here.
"""
