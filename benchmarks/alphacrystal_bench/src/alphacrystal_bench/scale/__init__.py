"""Cost of campaigns: overhead per formula, and a simulated campaign of a million formulas."""
