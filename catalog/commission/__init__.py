"""What merchants promise hosts: plans, and the one rate that counts."""
