"""The functions that users call, each in the API that they already know."""
