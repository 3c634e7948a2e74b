"""Training and metrics of the network of the AlphaCrystal-II paper (section 2.3)."""
