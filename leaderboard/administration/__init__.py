"""Parts of the admin by subject; `leaderboard.admin`, which Django looks for, imports them."""

from leaderboard.administration.base import ReadOnlyAdmin
from leaderboard.administration.claims import ClaimAdmin
from leaderboard.administration.published import PublicationAdmin, SourceAdmin
from leaderboard.administration.snapshots import SnapshotAdmin
from leaderboard.administration.tokens import TokenAdmin
from leaderboard.administration.uploads import UploadAdmin, WithdrawalForm, withdraw_runs

__all__ = [
    "ClaimAdmin",
    "PublicationAdmin",
    "ReadOnlyAdmin",
    "SnapshotAdmin",
    "SourceAdmin",
    "TokenAdmin",
    "UploadAdmin",
    "WithdrawalForm",
    "withdraw_runs",
]
