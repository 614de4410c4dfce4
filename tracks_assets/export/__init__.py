"""Where events come from: hours, folders, file names, manifests and inventories of an export."""
