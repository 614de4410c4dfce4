"""What Dagster sees, kept thin: assets, partitions and resources that call the plain code of the other packages."""
