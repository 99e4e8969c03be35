"""Browser tests of the main job: the real service, the simulator as its target, a real Chromium."""
