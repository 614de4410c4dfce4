"""Files in local folders and in Cloud Storage: listing, fetching and reading them."""
