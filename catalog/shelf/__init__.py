"""What lies on the shelves: what can still be promised, where it lies, and how it moved."""
