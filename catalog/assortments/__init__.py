"""Assortments that are made up, as large as a retailer's: to try the shop with, and to measure it."""
