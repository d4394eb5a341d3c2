"""The measurements: `./dev bench`. Ratios against a bare script in the same run, on real servers."""
