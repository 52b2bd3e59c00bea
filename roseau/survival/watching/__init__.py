"""What is noticed of how a site stands: days, alerts, facts for the control room."""
