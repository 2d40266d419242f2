"""View models: the words and cells of a document, for whatever draws it."""
