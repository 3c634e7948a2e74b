"""The lattice model: conventional cell and its uncertainty for a composition and structure type."""
