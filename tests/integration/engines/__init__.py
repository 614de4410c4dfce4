"""The same scenarios on every engine: real files, a real emulator, real dbt, and tables compared value by value."""
