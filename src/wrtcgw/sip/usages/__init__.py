"""The usages of a dialog or a registration (:rfc:`5057`): one class for each."""
