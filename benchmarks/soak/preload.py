"""Imports that every run needs, loaded once in the process that runs are forked from."""

import importlib
import pkgutil
import warnings

import tracks_assets

_READS_THE_ENVIRONMENT = "tracks_assets.definitions"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for module in pkgutil.walk_packages(tracks_assets.__path__, "tracks_assets."):
        if module.name != _READS_THE_ENVIRONMENT and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
