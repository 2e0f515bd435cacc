"""The pocket suite: a seeded family of artificial languages, and data of every kind of task in them."""
