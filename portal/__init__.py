"""The building: settings, login, errors as HTTP, health, layout. What a project is stands in `projects`."""
