"""Speed, measured: peers beside jconv in one process, interleaved, medians, ratios."""
