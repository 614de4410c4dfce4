"""What the definitions of every table share: partitions, resources, metadata and retries."""
