"""Project templates of the platform: rendered by Copier (`rendering`), each in a throw-away process (`process`).

A version is rendered once, with a mark in the place of each answer; a project's files are that with its own words put
in (`answers`). How files of a newer version get into those that a team has changed is `merging`.
"""
