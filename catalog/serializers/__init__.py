"""What merchants send to the catalog API, and for its document what they get; a module for each noun."""
