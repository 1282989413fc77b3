"""The HTTP surfaces: each dialect in its own module over the same gateway facade."""
