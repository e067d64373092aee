"""The course for a whole room: one JupyterHub, an account for each learner. README.md says how."""
