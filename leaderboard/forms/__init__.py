"""The forms of the admin."""

from leaderboard.forms.encoders import EncoderForm
from leaderboard.forms.sources import SourceForm
from leaderboard.forms.submission import SubmissionForm

__all__ = ["EncoderForm", "SourceForm", "SubmissionForm"]
