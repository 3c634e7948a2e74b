"""The lattice model: conventional cell and its spread for a composition and structure type."""
