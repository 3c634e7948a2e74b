"""Speed of relaxation beside chgnet, and of whole predictions."""
