"""Built-in generators: each module registers one; a new file here is a new generator."""
