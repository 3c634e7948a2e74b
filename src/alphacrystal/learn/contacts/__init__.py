"""The networks of the AlphaCrystal papers: contact maps and distance classes of cells up to 12 atoms."""
