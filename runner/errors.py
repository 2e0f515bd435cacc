"""The two families of error: what the submitter can mend, and everything else."""


class RecipeError(Exception):
    """The submitter can mend this: a wrong name, absent data, a setting that cannot work.

    The message is one sentence that names what was found and what would be right; it is shown on pages.
    """


class Stopped(Exception):
    """The process was asked to stop and did, at a point from which the stage can go on."""
