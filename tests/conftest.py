"""Settings that all tests share."""

import os

from hypothesis import settings

# Time limits per example would fail by chance on a busy machine; CI draws the same examples every time.
settings.register_profile("alphacrystal", deadline=None, max_examples=50, derandomize="CI" in os.environ)
settings.load_profile("alphacrystal")
