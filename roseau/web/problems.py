"""What is wrong with a form, in sentences of the pages: `problems_of(request, error)` for `parts/forms.html`.

The API says such things in Mastodon's words, which clients know; people are told what to do about it.
"""

from collections.abc import Callable, Mapping

from starlette.requests import Request

from roseau.domain.accounts.creation import MAX_PASSWORD, MIN_PASSWORD
from roseau.domain.accounts.names import MAX_DISPLAY_NAME, MAX_USERNAME
from roseau.domain.accounts.profiles import MAX_FIELD, MAX_FIELDS, MAX_NOTE
from roseau.kernel.errors import Invalid, RoseauError
from roseau.web.rendering import translations_of


def problems_of(
    request: Request, error: RoseauError, fields: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Each field and what is wrong with it; `""` for what is wrong with the form as a whole.

    `fields` names those that are called otherwise in the form.
    """
    words = translations_of(request)
    known = _sentences(words.gettext)
    names = fields or {}
    if not isinstance(error, Invalid) or not error.problems:
        return {"": error.say(words.gettext)}
    # In the order of the fields on the pages, which is the one that people read.
    order = {field: place for place, (field, _) in enumerate(known)}
    found = sorted(error.problems, key=lambda problem: order.get(problem.field, len(order)))
    return {
        names.get(problem.field, problem.field): known.get((problem.field, problem.reason))
        or problem.say(words.gettext)
        for problem in found
    }


def _sentences(gettext: Callable[[str], str]) -> dict[tuple[str, str], str]:
    _ = gettext
    return {
        ("username", "ERR_BLANK"): _("Choose a user name."),
        ("username", "ERR_INVALID"): _("A user name is made of letters without accents, digits and _."),
        ("username", "ERR_TOO_LONG"): _("A user name has %(number)s characters at most.")
        % {"number": MAX_USERNAME},
        ("username", "ERR_TAKEN"): _("Somebody here has this user name already. Try another."),
        ("username", "ERR_RESERVED"): _("This name is kept for the site itself. Try another."),
        ("email", "ERR_BLANK"): _("Give your e-mail address."),
        ("email", "ERR_INVALID"): _("This does not look like an e-mail address."),
        ("email", "ERR_TAKEN"): _("There is an account with this address already."),
        ("password", "ERR_BLANK"): _("Give a password."),
        ("password", "ERR_TOO_SHORT"): _(
            "A password has at least %(number)s characters. A short sentence is good."
        )
        % {"number": MIN_PASSWORD},
        ("password", "ERR_TOO_LONG"): _("A password has %(number)s characters at most.")
        % {"number": MAX_PASSWORD},
        ("password", "ERR_INVALID"): _("The name or the password is wrong."),
        ("code", "ERR_INVALID"): _("This code is wrong, or was used already. Wait for the next one."),
        ("reason", "ERR_BLANK"): _("Say in a sentence or two why you would like to join."),
        ("reason", "ERR_TOO_LONG"): _("This is a little too long: 420 characters at most."),
        ("invite_code", "ERR_INVALID"): _("This invitation is not valid any more. Ask for another one."),
        ("date_of_birth", "ERR_BLANK"): _("Confirm your age."),
        ("display_name", "ERR_TOO_LONG"): _("A name has %(number)s characters at most.")
        % {"number": MAX_DISPLAY_NAME},
        ("note", "ERR_TOO_LONG"): _("This is a little too long: %(number)s characters at most.")
        % {"number": MAX_NOTE},
        ("fields", "ERR_TOO_LONG"): _("There are %(count)s lines at most, of %(number)s characters each.")
        % {"count": MAX_FIELDS, "number": MAX_FIELD},
        ("fields", "ERR_BLANK"): _("Each line needs a label."),
    }
