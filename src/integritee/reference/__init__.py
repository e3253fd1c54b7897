"""What is generated from the declarations: reference pages, error catalogue, JSON types, typed client methods."""
