"""Goods in files: feeds that come in, by upload or fetched, and the same files going out."""
