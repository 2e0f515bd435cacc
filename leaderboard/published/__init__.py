"""Published results: the project's own files of them, and the columns that every table of them has."""
