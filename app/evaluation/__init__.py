"""What runs say together: comparisons of several benchmarks.

`reading` fetches what a comparison needs of each run, `comparing` turns it into a document (pure), with `figures` (what
is compared), `setups` (what else differs), `prompts` (which requests asked the same) and `words` (the sentences).
Knows nothing about how runs came about, nor about how a comparison is shown.
"""
