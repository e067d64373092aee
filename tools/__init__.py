"""What only maintainers run: the study, benchmark, notebooks, and the building of assets. No notebook imports it."""
