"""Results for others: exports, the bundle, the same figures under other tools' names, and those tools' files read.

Knows formats and rows, not how rows were measured. `exports.py` and `vllm_file.py` write, `result_rows.py` and
`imports.py` (`import_*.py`, one a tool) read, `compat.py` (`compat_*.py`) computes by other tools' formulas.
"""
