"""The jobs that repair tracks and roll a repair back."""
