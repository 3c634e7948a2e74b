"""Built-in potentials: each module registers one family; a new file here is a new potential."""
