"""The orbit distance network: distances between symmetry-distinct atoms of cells of any size."""
