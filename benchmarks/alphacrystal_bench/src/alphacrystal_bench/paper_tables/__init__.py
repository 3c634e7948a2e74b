"""Tables 3, 4 and 5 of the AlphaCrystal-II paper, with controls."""
