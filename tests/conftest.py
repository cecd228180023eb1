"""What holds for all tests."""

from hypothesis import settings

# A slow machine is no failure: speed is compared in benchmarks/.
settings.register_profile("dsprep", deadline=None)
settings.load_profile("dsprep")
