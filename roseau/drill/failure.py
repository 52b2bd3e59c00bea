"""What ends a run early."""


class DrillFailed(Exception):
    """The run cannot go on; the sentence says what did not happen."""


class CannotDrill(Exception):
    """This machine cannot play the scenario; the sentence says what it would need."""
