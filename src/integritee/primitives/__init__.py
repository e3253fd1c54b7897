"""Types that several actors share. Import from the submodules: names such as `Id` need their context."""
