"""The engine: makes a ProjectSpec so, on clusters, object stores and forges. It never sees a Project row."""
