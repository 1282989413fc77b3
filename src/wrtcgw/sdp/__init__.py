"""Session descriptions (:rfc:`8866`) as values: parsed once, their text kept, and the operations on them."""
