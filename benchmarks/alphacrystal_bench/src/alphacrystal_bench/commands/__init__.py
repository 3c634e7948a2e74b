"""The commands of `alphacrystal benchmark`."""
