"""What browsers get: how it is served, and the logic of its scripts (``*.test.mjs``, run by ``test_node``)."""
