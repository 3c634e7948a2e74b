"""Figures of the package as PNG and SVG: labelled axes with units, colour-blind-safe, drawn without pyplot."""
