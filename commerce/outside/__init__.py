"""Other people's machines: which of them we connect to on a merchant's behalf, and how."""
