"""The scene everything serves, played headless through the real front doors: `make scene`."""
