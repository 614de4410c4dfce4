"""What an event is: its columns, the contract of a delivery, and the vectorised transform."""
