"""The web edition: pages from the notebooks as they are stored, built by Sphinx without a network."""
