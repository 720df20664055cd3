"""Pictures of goods: as merchants name and order them, fetched, rendered, and kept as files of ours."""
