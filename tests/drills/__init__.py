"""Break nights from outside and see that nothing is lost: `python -m tests.drills`."""
