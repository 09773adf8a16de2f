"""What people write: closed, frozen, typed records, loaded from TOML."""
