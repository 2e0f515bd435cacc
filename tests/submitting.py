"""Submitting a study in the admin: the form as a browser sends it, and who may."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.urls import reverse

from leaderboard.forms import SubmissionForm

ADD = reverse("admin:leaderboard_study_add")


def filled(**changes):
    """What a browser sends for the form as it is shown, with some targets chosen and `changes` made."""
    form = SubmissionForm()
    data = {}
    for part in (form, *form.parts):
        for bound in part:
            initial = bound.initial
            if initial is None and hasattr(bound.field, "choices") and not bound.field.widget.allow_multiple_selected:
                initial = next(iter(bound.field.choices))[0]
            if initial is not None and initial is not False:
                data[bound.html_name] = initial
    data |= {"name": "First", "encoder": "xlm-roberta-base", "intermediate_tasks": ["ccg_pmb", "nli_cad"]}
    data |= {"target-udpos": "on", "target-tatoeba": "on"}
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


def client_with(client, django_user_model, *permissions):
    user = django_user_model.objects.create_user("somebody", password="…", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client
