"""The forms of the admin."""

from leaderboard.forms.claims import ClaimForm, ConditionForm
from leaderboard.forms.encoders import EncoderForm
from leaderboard.forms.sources import SourceForm
from leaderboard.forms.submission import SubmissionForm

__all__ = ["ClaimForm", "ConditionForm", "EncoderForm", "SourceForm", "SubmissionForm"]
