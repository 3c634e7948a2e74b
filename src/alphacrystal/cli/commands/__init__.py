"""One module for each command of `alphacrystal`; the first line of its docstring is the help text."""
