"""Empty: no event of the registry asks for slow or foreign work."""
