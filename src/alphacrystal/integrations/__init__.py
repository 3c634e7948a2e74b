"""AlphaCrystal inside other programs: Makers for jobflow in ``alphacrystal.integrations.jobflow``."""

__all__: list[str] = []
