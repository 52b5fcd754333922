"""The messages between the services, versioned and strict."""
