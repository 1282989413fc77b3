"""The sections of the configuration: each key is declared here, with default, kind, unit and text, and nowhere else."""
