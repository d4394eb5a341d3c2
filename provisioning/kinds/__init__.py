"""One module per Kind. This folder is the list: a new file is a new Kind."""
