"""The mean functions, one file each, found by listing this folder."""
