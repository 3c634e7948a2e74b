"""Space groups predicted from the composition alone."""
