"""The networks of the AlphaCrystal papers: contact maps and distance matrices of cells up to 12 atoms."""
