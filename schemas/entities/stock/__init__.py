"""The stock as capture reads it: models, the places where things lie, where they were bought, and the things."""
