"""The formats in which a merchant's assortment comes and goes. Pure: nothing here reads or writes a table."""
