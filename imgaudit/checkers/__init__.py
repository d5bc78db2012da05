"""What measures pictures: one file a check. Pure; see `imgaudit.types.Checker`."""
