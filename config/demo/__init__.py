"""The demo: one machine with everything running, a live show, and a scripted audience. Loopback only."""
