"""Emergencies: alerts in and out, approval, recall and requests for help."""
