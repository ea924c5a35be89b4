"""Empty: the registry reacts to no events, neither others' nor its own."""
