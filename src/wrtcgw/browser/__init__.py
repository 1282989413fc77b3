"""What browsers get: the library and the pages, as static files, and how they are served."""
